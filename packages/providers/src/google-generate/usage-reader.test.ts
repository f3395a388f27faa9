import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brokenOff } from '../broken-off.ts';
import { dataEvents, JSON_BODY, read, SSE } from '../testing/answers.ts';
import { chunkings } from '../testing/chunkings.ts';
import { vertexGenerate } from '../vertex-generate/index.ts';
import { googleGenerate } from './index.ts';

interface Chunk {
  readonly text?: string;
  readonly finish?: unknown;
  readonly usage?: unknown;
  readonly index?: number;
}

function chunk({ text, finish, usage, index = 0 }: Chunk): Record<string, unknown> {
  const content = text === undefined ? {} : { content: { parts: [{ text }], role: 'model' } };
  return {
    candidates: [{ ...content, index, ...(finish === undefined ? {} : { finishReason: finish }) }],
    ...(usage === undefined ? {} : { usageMetadata: usage }),
    modelVersion: 'gemini-2.5-flash',
    responseId: 'r-1',
  };
}

const FIRST = { promptTokenCount: 8, totalTokenCount: 8, serviceTier: 'standard' };
const LAST = { promptTokenCount: 427, candidatesTokenCount: 12, thoughtsTokenCount: 42, totalTokenCount: 481, serviceTier: 'standard' };
const CHUNKS = [chunk({ text: 'Hé', usage: FIRST }), chunk({ text: ' there' }), chunk({ text: '.', finish: 'STOP', usage: LAST })];
const READ = {
  usage: expect.objectContaining({ uncached_input: 427, cache_read: 0, visible_output: 12, reasoning: 42 }) as unknown,
  usageReason: '',
  usageFlags: [],
  rawUsage: JSON.stringify({ ...FIRST, ...LAST }),
  servedModel: 'gemini-2.5-flash',
  serviceTier: 'standard',
  upstreamId: 'r-1',
  finishReason: 'STOP',
  errorClass: '',
  complete: true,
};

/** As the stream comes where nobody asked for events. */
const asArray = (chunks: readonly unknown[]): string => `[${chunks.map((one) => JSON.stringify(one, null, 2)).join('\n,\r\n')}\n]`;

describe.each([
  ['a stream of events', SSE, dataEvents(...CHUNKS)],
  ['a stream of events with CRLF', SSE, dataEvents(...CHUNKS).replaceAll('\n', '\r\n')],
  ['an array that grows', JSON_BODY, asArray(CHUNKS)],
])('%s', (_name, answer, stream) => {
  test('the last chunk rules, the prompt included', () => {
    expect(read(googleGenerate, answer, stream)).toEqual(READ);
  });

  test('gives the same however it is cut', () => {
    fc.assert(
      fc.property(chunkings(fc.constant(Buffer.from(stream))), ({ chunks }) => {
        expect(read(googleGenerate, answer, ...chunks)).toEqual(READ);
      }),
      { numRuns: 60 },
    );
  });

  test('its end is seen with the finish reason, not before, and its first content with the first text', () => {
    const reader = googleGenerate.usageReader({ ...answer, httpStatus: 200, answerBytesMax: 1000 });
    const bytes = Buffer.from(stream);
    const content = bytes.indexOf('Hé');
    const finish = bytes.indexOf('finishReason');
    let contentSeenAt = -1;
    let endSeenAt = -1;
    for (let at = 0; at < bytes.length; at++) {
      reader.push(bytes.subarray(at, at + 1));
      if (reader.sawContent && contentSeenAt < 0) contentSeenAt = at;
      if (reader.sawEnd && endSeenAt < 0) endSeenAt = at;
    }
    expect(contentSeenAt).toBeGreaterThan(content);
    expect(contentSeenAt).toBeLessThan(finish);
    expect(endSeenAt).toBeGreaterThan(finish);
    expect(reader.heldBytes).toBeLessThan(bytes.length);
  });
});

describe('a stream', () => {
  test('that ended without a finish has the counts of its last chunk, flagged; of one that broke they are not all', () => {
    const answer = read(googleGenerate, SSE, dataEvents(chunk({ text: 'a', usage: LAST }), chunk({ text: 'b' })));
    expect(answer).toMatchObject({ usage: { uncached_input: 427, visible_output: 12 }, usageFlags: ['unfinished'], complete: false });
    expect(brokenOff(answer)).toMatchObject({ usage: null, usageReason: 'cut_off', rawUsage: JSON.stringify(LAST) });
    const finished = read(googleGenerate, SSE, dataEvents(...CHUNKS));
    expect(brokenOff(finished)).toBe(finished);
  });

  test('states its input on its way', () => {
    const reader = googleGenerate.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(dataEvents(CHUNKS[0])));
    expect(reader.soFar()).toMatchObject({ stated: { uncached_input: 8, visible_output: null, reasoning: null }, serviceTier: 'standard' });
    expect(reader.soFar().contentBytes).toBeGreaterThan(0);
  });

  test('of several candidates has ended when all that were seen have finished', () => {
    const reader = googleGenerate.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(dataEvents(chunk({ text: 'a' }), chunk({ text: 'b', index: 1 }), chunk({ finish: 'MAX_TOKENS' }))));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from(dataEvents(chunk({ finish: 'STOP', index: 1, usage: LAST }))));
    expect(reader.sawEnd).toBe(true);
    expect(reader.end()).toMatchObject({ finishReason: 'MAX_TOKENS', usage: { visible_output: 12 }, usageFlags: [] });
  });

  test('what follows the finish is still read', () => {
    const grounding = { candidates: [{ index: 0, groundingMetadata: {} }], usageMetadata: LAST };
    const stream = dataEvents(chunk({ text: 'a', finish: 'STOP', usage: FIRST }), grounding);
    expect(read(googleGenerate, SSE, stream)).toMatchObject({ usage: { uncached_input: 427 }, usageFlags: [], complete: true });
  });

  test('a part of an array’s element that names the finish shows the end', () => {
    const reader = googleGenerate.usageReader({ ...JSON_BODY, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(`[${JSON.stringify(chunk({ text: 'a' }))},{"candidates":[{"finishReason":`));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('"STOP"'));
    expect(reader.sawEnd).toBe(true);
  });

  test('a long last event shows the end once its line is whole', () => {
    const reader = googleGenerate.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    const last = dataEvents(chunk({ text: 'x'.repeat(20_000), finish: 'STOP', usage: LAST }));
    reader.push(Buffer.from(last.slice(0, -2)));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('\n'));
    expect(reader.sawEnd).toBe(true);
  });

  test('counts that fall are flagged', () => {
    const fallen = { ...LAST, candidatesTokenCount: 2, totalTokenCount: 471 };
    const stream = dataEvents(chunk({ text: 'a', usage: LAST }), chunk({ finish: 'STOP', usage: fallen }));
    expect(read(googleGenerate, SSE, stream)).toMatchObject({ usage: { visible_output: 2 }, usageFlags: ['contradictory'] });
  });

  test('what the model writes never counts', () => {
    const decoy = `"usageMetadata": {"promptTokenCount": 999}, "finishReason": "STOP"}]}\n\ndata: {"usageMetadata":{"promptTokenCount":7}}`;
    const call = {
      candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: { usageMetadata: LAST, finishReason: 'STOP' } } }] } }],
    };
    for (const [answer, stream] of [
      [SSE, dataEvents(chunk({ text: decoy }), call)],
      [JSON_BODY, asArray([chunk({ text: decoy }), call])],
    ] as const) {
      expect(read(googleGenerate, answer, stream)).toMatchObject({ usage: null, finishReason: '', servedModel: 'gemini-2.5-flash' });
    }
  });

  test('an error in it is told', () => {
    const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } };
    for (const [answer, stream] of [
      [SSE, dataEvents(chunk({ text: 'a' }), error)],
      [JSON_BODY, asArray([chunk({ text: 'a' }), error])],
    ] as const) {
      expect(read(googleGenerate, answer, stream)).toMatchObject({ usage: null, usageReason: 'upstream_error', errorClass: 'UNAVAILABLE' });
    }
  });

  test('an array that does not close is not complete', () => {
    expect(read(googleGenerate, JSON_BODY, asArray(CHUNKS).slice(0, -1))).toMatchObject({ usage: { visible_output: 12 }, complete: false });
  });
});

describe('a plain answer', () => {
  test('gives usage, model and finish reason', () => {
    expect(read(googleGenerate, JSON_BODY, JSON.stringify(CHUNKS[2]))).toEqual({ ...READ, rawUsage: JSON.stringify(LAST) });
  });

  test('that was refused for its prompt has input, no output, and says why', () => {
    const refused = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 } };
    const expected = {
      usage: { uncached_input: 8, visible_output: 0 },
      usageFlags: [],
      finishReason: 'PROHIBITED_CONTENT',
      complete: true,
    };
    expect(read(googleGenerate, JSON_BODY, JSON.stringify(refused))).toMatchObject(expected);
    expect(read(googleGenerate, SSE, dataEvents(refused))).toMatchObject(expected);
  });

  test.each([
    [googleGenerate, 6, 'LANGUAGE'],
    [vertexGenerate, 6, 'BLOCKLIST'],
    [vertexGenerate, 99, '99'],
    [vertexGenerate, 0, ''],
    [vertexGenerate, 'FINISH_REASON_UNSPECIFIED', ''],
  ])('numbers stand for names (%#)', (surface, number, name) => {
    const body = JSON.stringify(chunk({ text: 'a', finish: number, usage: { promptTokenCount: 1, trafficType: 2 } }));
    expect(read(surface, JSON_BODY, body)).toMatchObject({ finishReason: name, serviceTier: 'PROVISIONED_THROUGHPUT' });
  });

  test('an error is told by its canonical code, also in an array', () => {
    const error = { error: { code: 429, message: 'slow down', status: 'RESOURCE_EXHAUSTED' } };
    for (const body of [error, [error]]) {
      expect(read(googleGenerate, { ...JSON_BODY, httpStatus: 429 }, JSON.stringify(body))).toMatchObject({
        usage: null,
        usageReason: 'upstream_error',
        errorClass: 'RESOURCE_EXHAUSTED',
        complete: true,
      });
    }
  });

  test('counts that are none make it null, with their own digits kept', () => {
    const body = JSON.stringify(CHUNKS[2]).replace('"candidatesTokenCount":12', '"candidatesTokenCount":9007199254740993');
    const answer = read(googleGenerate, JSON_BODY, body);
    expect(answer).toMatchObject({ usage: null, usageReason: 'invalid_usage' });
    expect(answer.rawUsage).toContain('"candidatesTokenCount":9007199254740993');
    expect(read(googleGenerate, JSON_BODY, JSON.stringify(chunk({ usage: 'lots' })))).toMatchObject({
      usageReason: 'invalid_usage',
      rawUsage: '"lots"',
    });
  });
});

test('whatever the bytes, it gives an answer, and the same for every cut', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'data: ',
      '\n\n',
      '\r\n',
      '[',
      ']',
      '{"candidates":[{"index":',
      '"finishReason":"STOP"',
      '"usageMetadata":',
      '{"promptTokenCount":',
      '{"promptFeedback":{"blockReason":1}}',
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
        expect(read(googleGenerate, { contentType }, ...chunks)).toEqual(read(googleGenerate, { contentType }, whole));
      }),
      { numRuns: 500 },
    );
  }
});
