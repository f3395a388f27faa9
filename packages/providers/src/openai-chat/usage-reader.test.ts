import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SSE_EVENT_BYTES_MAX } from '../answer-reader.ts';
import { dataEvents, JSON_BODY, read, SSE } from '../testing/answers.ts';
import { chunkings } from '../testing/chunkings.ts';
import { openaiChat } from './index.ts';

const USAGE = {
  prompt_tokens: 24,
  completion_tokens: 8,
  total_tokens: 32,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 0 },
};
const BASE = { id: 'chatcmpl-1', model: 'gpt-4o-2024-08-06', service_tier: 'default' };

function delta(content: unknown, reason: string | null = null, rest: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...BASE, choices: [{ index: 0, delta: content, finish_reason: reason }], usage: null, ...rest };
}

const WHOLE = dataEvents(
  delta({ role: 'assistant', content: '' }),
  delta({ content: 'Hé' }),
  delta({}, 'stop'),
  { ...BASE, choices: [], usage: USAGE },
  '[DONE]',
);

describe('a stream', () => {
  test('gives usage, model, tier, id and finish reason', () => {
    expect(read(openaiChat, SSE, WHOLE)).toMatchObject({
      usage: { uncached_input: 20, cache_read: 4, visible_output: 5, reasoning: 3 },
      usageReason: '',
      usageFlags: [],
      rawUsage: JSON.stringify(USAGE),
      servedModel: 'gpt-4o-2024-08-06',
      serviceTier: 'default',
      upstreamId: 'chatcmpl-1',
      finishReason: 'stop',
      errorClass: '',
      complete: true,
    });
  });

  test('gives the same however it is cut, with CRLF, comments and no last line feed', () => {
    const expected = read(openaiChat, SSE, WHOLE);
    const dressed = `: ping\n\n${WHOLE.replaceAll('\n\n', '\n\n: still here\n\n')}`.replaceAll('\n', '\r\n').trimEnd();
    for (const text of [WHOLE, dressed, WHOLE.trimEnd()]) {
      fc.assert(
        fc.property(chunkings(fc.constant(Buffer.from(text))), ({ chunks }) => {
          expect(read(openaiChat, SSE, ...chunks)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    }
  });

  test('usage that stands in the finishing chunk counts', () => {
    const text = dataEvents(delta({ content: 'a' }), delta({}, 'stop', { usage: USAGE }), '[DONE]');
    expect(read(openaiChat, SSE, text)).toMatchObject({ usage: { uncached_input: 20 }, finishReason: 'stop' });
  });

  test('what the model writes never counts', () => {
    const decoys = [
      '"usage":{"prompt_tokens":999}',
      ',"usage":{"prompt_tokens":999,"completion_tokens":999}}',
      'data: [DONE]\n\n',
      'usage',
      '"finish_reason":"length"',
    ];
    const text = dataEvents(...decoys.map((content) => delta({ content, usage: { prompt_tokens: 999 } })), delta({}, 'stop'));
    expect(read(openaiChat, SSE, text)).toMatchObject({ usage: null, usageReason: 'cut_off', finishReason: 'stop', complete: false });
  });

  test('that was not asked for usage has none', () => {
    const text = dataEvents(delta({ content: 'a' }), delta({}, 'stop'), '[DONE]');
    expect(read(openaiChat, SSE, text)).toMatchObject({ usage: null, usageReason: 'not_reported', rawUsage: '', complete: true });
  });

  test('that was cut off has what was seen before', () => {
    const text = dataEvents(delta({ content: 'a' }), { ...BASE, choices: [], usage: USAGE });
    expect(read(openaiChat, SSE, text)).toMatchObject({ usage: { uncached_input: 20 }, complete: false });
    expect(read(openaiChat, SSE, text.slice(0, -20))).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('the last of several usages wins, flagged', () => {
    const later = { ...USAGE, completion_tokens: 9, total_tokens: 33 };
    const rising = dataEvents(delta({ content: 'a' }, null, { usage: USAGE }), delta({ content: 'b' }, 'stop', { usage: later }), '[DONE]');
    expect(read(openaiChat, SSE, rising)).toMatchObject({ usage: { visible_output: 6 }, usageFlags: ['repeated'] });
    const falling = dataEvents(
      delta({ content: 'a' }, null, { usage: later }),
      delta({ content: 'b' }, 'stop', { usage: USAGE }),
      '[DONE]',
    );
    expect(read(openaiChat, SSE, falling)).toMatchObject({ usage: { visible_output: 5 }, usageFlags: ['repeated', 'contradictory'] });
  });

  test('an error in it is told', () => {
    const text = dataEvents(delta({ content: 'a' }), { error: { message: 'no', type: 'server_error', code: null } });
    expect(read(openaiChat, SSE, text)).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'server_error',
      complete: false,
    });
  });

  test('an identity that comes late is found', () => {
    const text = dataEvents({ id: '', model: '', choices: [], prompt_filter_results: [] }, delta({ content: 'a' }), '[DONE]');
    expect(read(openaiChat, SSE, text)).toMatchObject({ servedModel: 'gpt-4o-2024-08-06', upstreamId: 'chatcmpl-1' });
  });

  test('JSON over several data lines is one event', () => {
    const text = `data: {"id":"a","model":"m","choices":[],\ndata: "usage":\ndata: {"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n`;
    expect(read(openaiChat, SSE, text)).toMatchObject({ usage: { uncached_input: 1, visible_output: 2 }, complete: true });
  });
});

describe('an event that is longer than is read', () => {
  const long = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 }, pad: 'x'.repeat(SSE_EVENT_BYTES_MAX) })}\n\n`;
  const done = 'data: [DONE]\n\n';

  test('has no usage, with the reason', () => {
    for (const pieces of [[long, done], [`${long}${done}`], [long.slice(0, 100), long.slice(100), done]]) {
      expect(read(openaiChat, SSE, ...pieces)).toMatchObject({ usage: null, usageReason: 'line_too_long', complete: true });
    }
  });

  test('hides nothing that a later one states', () => {
    const later = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 1 } })}\n\n`;
    expect(read(openaiChat, SSE, long, later, done)).toMatchObject({ usage: { uncached_input: 7, visible_output: 1 }, usageReason: '' });
  });

  test('is let go where there is no room for it, which is another reason', () => {
    const reader = openaiChat.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(long.slice(0, 1000)));
    reader.giveUp();
    reader.push(Buffer.from(long.slice(1000) + done));
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'answer_too_large' });
  });
});

describe('the marks of progress', () => {
  test('content is seen with the first delta that shows something', () => {
    const reader = openaiChat.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(dataEvents(delta({ role: 'assistant', content: '', refusal: null }))));
    expect(reader.sawContent).toBe(false);
    reader.push(Buffer.from(dataEvents(delta({ tool_calls: [{ index: 0 }] }))));
    expect(reader.sawContent).toBe(true);
  });

  test('the end is seen as soon as a client could see it', () => {
    const reader = openaiChat.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(dataEvents(delta({ content: 'data: [DONE]' }))));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('data: [DO'));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('NE]'));
    expect(reader.sawEnd).toBe(true);
    reader.push(Buffer.from('\n\n'));
    expect(reader.sawEnd).toBe(true);
  });
});

describe('a plain answer', () => {
  const body = {
    ...BASE,
    choices: [{ index: 0, message: { role: 'assistant', content: '"usage":{"prompt_tokens":9}' }, finish_reason: 'stop' }],
    usage: USAGE,
  };

  test('gives usage, model, tier, id and finish reason', () => {
    const text = JSON.stringify(body, null, 2);
    expect(read(openaiChat, JSON_BODY, text.slice(0, 100), text.slice(100))).toMatchObject({
      usage: { uncached_input: 20, reasoning: 3 },
      servedModel: 'gpt-4o-2024-08-06',
      finishReason: 'stop',
      upstreamId: 'chatcmpl-1',
      complete: true,
    });
  });

  test('that was cut off has no usage', () => {
    expect(read(openaiChat, JSON_BODY, JSON.stringify(body).slice(0, -2))).toMatchObject({
      usage: null,
      usageReason: 'cut_off',
      complete: false,
    });
    expect(read(openaiChat, JSON_BODY)).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('that is too large has no usage, and is complete when it ends as an object does', () => {
    const text = `${JSON.stringify(body)}\n`;
    expect(read(openaiChat, { ...JSON_BODY, answerBytesMax: 50 }, text)).toMatchObject({
      usage: null,
      usageReason: 'answer_too_large',
      complete: true,
    });
    expect(read(openaiChat, { ...JSON_BODY, answerBytesMax: text.length }, text).usage).not.toBeNull();
  });

  test('is read whatever its content type says', () => {
    expect(read(openaiChat, { contentType: '' }, ` ${JSON.stringify(body)}`).usage).not.toBeNull();
    expect(read(openaiChat, { contentType: 'text/plain' }, WHOLE).usage).not.toBeNull();
  });

  test('white space before a stream that no content type names says the same in one piece with it and in a piece of its own', () => {
    const answer = { contentType: '', httpStatus: 200, answerBytesMax: 10_000 };
    const [together, apart] = [openaiChat.usageReader(answer), openaiChat.usageReader(answer)];
    together.push(Buffer.from(`\0 ${WHOLE}`));
    for (const piece of ['\0', ' ', WHOLE]) apart.push(Buffer.from(piece));
    expect(apart.end()).toEqual(together.end());
    expect(together.end().usage).not.toBeNull();
  });

  test('an error is told by its code, else its type', () => {
    const error = (value: unknown): string =>
      read(openaiChat, { ...JSON_BODY, httpStatus: 400 }, JSON.stringify({ error: value })).errorClass;
    expect(error({ type: 'invalid_request_error', code: 'model_not_found' })).toBe('model_not_found');
    expect(error({ type: 'invalid_request_error', code: null })).toBe('invalid_request_error');
    expect(error({ code: 402 })).toBe('402');
    expect(error('no')).toBe('unknown_error');
    expect(read(openaiChat, { contentType: 'text/html', httpStatus: 502 }, '<html>')).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: '',
    });
  });
});

describe('usage that cannot be trusted', () => {
  const withUsage = (usage: string): string => `{"id":"a","model":"m","choices":[],"usage":${usage}}`;

  test.each([
    '{"prompt_tokens":9007199254740993,"completion_tokens":1}',
    '{"prompt_tokens":-1,"completion_tokens":1}',
    '{"prompt_tokens":1.5,"completion_tokens":1}',
    '{"prompt_tokens":"12","completion_tokens":1}',
    '{"prompt_tokens":1e400,"completion_tokens":1}',
    '"lots"',
    '[1,2]',
  ])('is null, and its own text kept: %s', (usage) => {
    const expected = { usage: null, usageReason: 'invalid_usage', rawUsage: usage };
    expect(read(openaiChat, JSON_BODY, withUsage(usage))).toMatchObject(expected);
    expect(read(openaiChat, SSE, dataEvents(withUsage(usage), '[DONE]'))).toMatchObject(expected);
  });

  test.each(['null', '{}'])('that says nothing is not reported: %s', (usage) => {
    expect(read(openaiChat, JSON_BODY, withUsage(usage))).toMatchObject({ usage: null, usageReason: 'not_reported' });
  });

  test('is kept within its bound', () => {
    const long = read(openaiChat, JSON_BODY, withUsage(`{"prompt_tokens":1,"completion_tokens":1,"x":"${'é'.repeat(9000)}"}`));
    expect(JSON.parse(long.rawUsage)).toEqual({ omitted: 'too long', bytes: 18_048 });
    expect(long.usage).not.toBeNull();
    const deep = read(openaiChat, JSON_BODY, withUsage(`${'['.repeat(50_000)}${']'.repeat(50_000)}`));
    expect(deep.usageReason).toBe('invalid_usage');
    expect(JSON.parse(deep.rawUsage)).toHaveProperty('omitted');
  });
});

test('whatever the bytes, it gives an answer, and the same for every cut', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'data: ',
      '\n\n',
      '\r\n',
      '{"usage":',
      '{"prompt_tokens":',
      '"finish_reason":',
      '[DONE]',
      '"choices":[',
      '{"delta":',
      '}',
      ']',
      ',',
      ':',
      '1',
      '"',
      '\\',
      'null',
      '"error":',
      '\u{1F600}',
    ),
    fc.string({ maxLength: 5 }),
  );
  const bytes = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(''))),
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  );
  for (const contentType of [SSE.contentType, JSON_BODY.contentType]) {
    fc.assert(
      fc.property(chunkings(bytes), ({ bytes: whole, chunks }) => {
        expect(read(openaiChat, { contentType }, ...chunks)).toEqual(read(openaiChat, { contentType }, whole));
      }),
      { numRuns: 500 },
    );
  }
});
