import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JSON_BODY, type NamedEvent, namedEvents, read, SSE } from '../testing/answers.ts';
import { chunkings } from '../testing/chunkings.ts';
import { anthropicMessages } from './index.ts';

const START_USAGE = {
  input_tokens: 702,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 10,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 4,
  service_tier: 'standard',
};

function start(usage: unknown = START_USAGE): NamedEvent {
  return {
    type: 'message_start',
    message: { id: 'msg_1', model: 'claude-haiku-4-5-20251001', role: 'assistant', content: [], stop_reason: null, usage },
  };
}

function text(content: string): NamedEvent {
  return { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: content } };
}

function end(usage: unknown, reason = 'end_turn'): NamedEvent {
  return { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage };
}

const BLOCK = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
const PING = { type: 'ping' };
const STOP = { type: 'message_stop' };
const END_USAGE = {
  input_tokens: 1591,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 10,
  output_tokens: 92,
  output_tokens_details: { thinking_tokens: 53 },
};
const WHOLE = namedEvents(start(), PING, BLOCK, text('Hé'), { type: 'content_block_stop' }, end(END_USAGE), STOP);

describe('a stream', () => {
  test('the cumulative usage at its end replaces that of its start, input included', () => {
    expect(read(anthropicMessages, SSE, WHOLE)).toEqual({
      usage: expect.objectContaining({
        uncached_input: 1591,
        cache_read: 10,
        cache_write_5m: 0,
        visible_output: 39,
        reasoning: 53,
      }) as unknown,
      usageReason: '',
      usageFlags: [],
      rawUsage: JSON.stringify({ ...START_USAGE, ...END_USAGE }),
      servedModel: 'claude-haiku-4-5-20251001',
      serviceTier: 'standard',
      upstreamId: 'msg_1',
      finishReason: 'end_turn',
      errorClass: '',
      complete: true,
    });
  });

  test('what the end leaves out or nulls stands as the start has it', () => {
    const stream = namedEvents(start(), text('a'), end({ output_tokens: 9, input_tokens: null }), STOP);
    expect(read(anthropicMessages, SSE, stream)).toMatchObject({ usage: { uncached_input: 702, cache_read: 10, visible_output: 9 } });
  });

  test('what server tools brought is in the input of the end, searches beside it', () => {
    const usage = { ...END_USAGE, server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 } };
    const tool = {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'server_tool_use', id: 't', name: 'web_search', input: {} },
    };
    expect(read(anthropicMessages, SSE, namedEvents(start(), tool, text('a'), end(usage, 'pause_turn'), STOP))).toMatchObject({
      usage: { uncached_input: 1591, web_search_requests: 2 },
      finishReason: 'pause_turn',
    });
  });

  test('a refusal is an answer like others, also before any content', () => {
    expect(read(anthropicMessages, SSE, namedEvents(start(), end({ output_tokens: 1 }, 'refusal'), STOP))).toMatchObject({
      usage: { uncached_input: 702, visible_output: 1 },
      finishReason: 'refusal',
      errorClass: '',
      complete: true,
    });
  });

  test('usage that is too large to be usage is none', () => {
    const usage = { ...END_USAGE, padding: 'x'.repeat(70_000) };
    expect(read(anthropicMessages, SSE, namedEvents(start(), end(usage), STOP))).toMatchObject({
      usage: null,
      usageReason: 'invalid_usage',
    });
  });

  test('the last of several cumulative counts wins; a falling one is flagged', () => {
    const rising = namedEvents(start(), end({ output_tokens: 5 }), end({ output_tokens: 9 }), STOP);
    expect(read(anthropicMessages, SSE, rising)).toMatchObject({ usage: { visible_output: 9 }, usageFlags: ['split_unknown'] });
    const falling = namedEvents(start(), end({ output_tokens: 9 }), end({ output_tokens: 5 }), STOP);
    expect(read(anthropicMessages, SSE, falling)).toMatchObject({
      usage: { visible_output: 5 },
      usageFlags: ['contradictory', 'split_unknown'],
    });
  });

  test('gives the same however it is cut, with CRLF and without a last line feed', () => {
    const expected = read(anthropicMessages, SSE, WHOLE);
    for (const stream of [WHOLE, WHOLE.replaceAll('\n', '\r\n'), WHOLE.trimEnd()]) {
      fc.assert(
        fc.property(chunkings(fc.constant(Buffer.from(stream))), ({ chunks }) => {
          expect(read(anthropicMessages, SSE, ...chunks)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    }
  });

  test('that was cut off knows no output, so that its usage is unknown and its start kept', () => {
    const stream = namedEvents(start(), BLOCK, text('a'));
    expect(read(anthropicMessages, SSE, stream)).toMatchObject({
      usage: null,
      usageReason: 'cut_off',
      rawUsage: JSON.stringify(START_USAGE),
      servedModel: 'claude-haiku-4-5-20251001',
      complete: false,
    });
  });

  test('that was cut off after its usage has it', () => {
    expect(read(anthropicMessages, SSE, namedEvents(start(), end(END_USAGE)))).toMatchObject({
      usage: { uncached_input: 1591 },
      complete: false,
    });
  });

  test('an error in it is told', () => {
    const stream = namedEvents(start(), text('a'), { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    expect(read(anthropicMessages, SSE, stream)).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'overloaded_error',
      complete: false,
    });
  });

  test('what the model writes never counts', () => {
    const decoy = `"usage":{"output_tokens":999}}\n\nevent: message_stop\ndata: {"type":"message_stop"}`;
    const stream = namedEvents(start(), text(decoy), {
      type: 'content_block_delta',
      delta: { type: 'input_json_delta', partial_json: decoy },
      usage: { output_tokens: 999 },
    });
    expect(read(anthropicMessages, SSE, stream)).toMatchObject({ usage: null, complete: false });
  });

  test('fast mode is a tier of its own', () => {
    expect(read(anthropicMessages, SSE, namedEvents(start({ ...START_USAGE, speed: 'fast' }), end(END_USAGE), STOP)).serviceTier).toBe(
      'fast',
    );
  });

  test('counts that are none make it null, with their own digits kept', () => {
    const stream = namedEvents(start(), end(END_USAGE), STOP).replace('"output_tokens":92', '"output_tokens":9007199254740993');
    const answer = read(anthropicMessages, SSE, stream);
    expect(answer).toMatchObject({ usage: null, usageReason: 'invalid_usage' });
    expect(answer.rawUsage).toContain('"output_tokens":9007199254740993');
    expect(read(anthropicMessages, SSE, namedEvents(start(), end('lots'), STOP))).toMatchObject({
      usageReason: 'invalid_usage',
      rawUsage: '"lots"',
    });
  });
});

describe('the marks of progress', () => {
  test('content is seen with the first text, not with the start of a block', () => {
    const reader = anthropicMessages.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents(start(), PING, BLOCK)));
    expect(reader.sawContent).toBe(false);
    reader.push(Buffer.from(namedEvents(text('a'))));
    expect(reader.sawContent).toBe(true);
  });

  test('the end is seen as soon as a client could see it', () => {
    const reader = anthropicMessages.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents(start(), text('\nevent: message_stop'), end(END_USAGE))));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('event: message_stop\n'));
    expect(reader.sawEnd).toBe(true);
    reader.push(Buffer.from('data: {"type":"message_stop"}\n\n'));
    expect(reader.sawEnd).toBe(true);
  });
});

describe('a plain answer', () => {
  const body = {
    id: 'msg_1',
    type: 'message',
    model: 'claude-haiku-4-5-20251001',
    content: [],
    stop_reason: 'end_turn',
    usage: { input_tokens: 17, output_tokens: 220 },
  };

  test('gives usage, model and stop reason', () => {
    expect(read(anthropicMessages, JSON_BODY, JSON.stringify(body))).toMatchObject({
      usage: { uncached_input: 17, cache_read: 0, visible_output: 220, web_search_requests: 0 },
      servedModel: 'claude-haiku-4-5-20251001',
      finishReason: 'end_turn',
      upstreamId: 'msg_1',
      complete: true,
    });
  });

  test('an error is told by its type', () => {
    const error = JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'slow down' }, request_id: 'req_1' });
    expect(read(anthropicMessages, { ...JSON_BODY, httpStatus: 429 }, error)).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'rate_limit_error',
      complete: true,
    });
  });
});

test('whatever the bytes, it gives an answer, and the same for every cut', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'data: ',
      'event: ',
      '\n\n',
      '\r\n',
      '{"type":"message_delta",',
      '{"type":"message_start","message":',
      '"usage":',
      '{"output_tokens":',
      '{"type":"message_stop"}',
      '}',
      ',',
      '1',
      '"',
      'null',
      '"error"',
    ),
    fc.string({ maxLength: 5 }),
  );
  const bytes = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join('')));
  for (const contentType of [SSE.contentType, JSON_BODY.contentType]) {
    fc.assert(
      fc.property(chunkings(bytes), ({ bytes: whole, chunks }) => {
        expect(read(anthropicMessages, { contentType }, ...chunks)).toEqual(read(anthropicMessages, { contentType }, whole));
      }),
      { numRuns: 500 },
    );
  }
});
