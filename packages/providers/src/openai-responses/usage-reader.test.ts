import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JSON_BODY, namedEvents, type NamedEvent, read, SSE } from '../testing/answers.ts';
import { chunkings } from '../testing/chunkings.ts';
import { openaiResponses } from './index.ts';

const USAGE = {
  input_tokens: 24,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 8,
  output_tokens_details: { reasoning_tokens: 3 },
  total_tokens: 32,
};
const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hé' }] };
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-5-mini-2025-08-07',
  output: [MESSAGE],
  service_tier: 'default',
  usage: USAGE,
};
const BEGUN = { ...RESPONSE, status: 'in_progress', service_tier: 'auto', output: [], usage: null };

function stream(end: NamedEvent, ...between: readonly NamedEvent[]): string {
  return namedEvents(
    { type: 'response.created', response: BEGUN },
    { type: 'response.in_progress', response: BEGUN },
    { type: 'response.output_item.added', output_index: 0, item: { ...MESSAGE, content: [] } },
    { type: 'response.output_text.delta', delta: 'Hé' },
    ...between,
    end,
  );
}

const WHOLE = stream({ type: 'response.completed', response: RESPONSE });

describe('a stream', () => {
  test('gives usage, status, model and id, and the tier that served', () => {
    expect(read(openaiResponses, SSE, WHOLE)).toMatchObject({
      usage: { uncached_input: 20, cache_read: 4, visible_output: 5, reasoning: 3, web_search_requests: 0 },
      usageReason: '',
      usageFlags: [],
      rawUsage: JSON.stringify(USAGE),
      servedModel: 'gpt-5-mini-2025-08-07',
      serviceTier: 'default',
      upstreamId: 'resp_1',
      finishReason: 'completed',
      errorClass: '',
      complete: true,
    });
  });

  test('gives the same however it is cut, with CRLF, comments, no last line feed, and the marker that others send', () => {
    const expected = read(openaiResponses, SSE, WHOLE);
    const dressed = `: ping\n\n${WHOLE}data: [DONE]\n\n`.replaceAll('\n', '\r\n').trimEnd();
    for (const text of [WHOLE, dressed, WHOLE.trimEnd()]) {
      fc.assert(
        fc.property(chunkings(fc.constant(Buffer.from(text))), ({ chunks }) => {
          expect(read(openaiResponses, SSE, ...chunks)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    }
  });

  test('what the model writes never counts', () => {
    const decoys = [
      '"usage":{"input_tokens":999}',
      '{"type":"response.completed","response":{"usage":{"input_tokens":999}}}',
      'response.failed"',
    ];
    const deltas = decoys.map((delta) => ({ type: 'response.output_text.delta', delta, usage: { input_tokens: 999 } }));
    expect(read(openaiResponses, SSE, stream({ type: 'response.completed', response: RESPONSE }, ...deltas))).toEqual(
      read(openaiResponses, SSE, WHOLE),
    );
  });

  test('that stops at its limit says why', () => {
    const response = { ...RESPONSE, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect(read(openaiResponses, SSE, stream({ type: 'response.incomplete', response }))).toMatchObject({
      usage: { uncached_input: 20 },
      finishReason: 'max_output_tokens',
      complete: true,
    });
  });

  test('that fails has an error, and no usage', () => {
    const response = { ...RESPONSE, status: 'failed', error: { code: 'server_error', message: 'no' }, usage: null };
    const failed = { usage: null, usageReason: 'upstream_error', errorClass: 'server_error', complete: true };
    expect(read(openaiResponses, SSE, stream({ type: 'response.failed', response }))).toMatchObject(failed);
    expect(read(openaiResponses, SSE, stream({ type: 'error', code: 'server_error', message: 'no', param: null }))).toMatchObject(failed);
    expect(read(openaiResponses, SSE, stream({ type: 'error', error: { type: 'server_error', code: null } }))).toMatchObject(failed);
  });

  test('that is cut off has none', () => {
    expect(read(openaiResponses, SSE, WHOLE.slice(0, -40))).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('shows content with the first delta, and its end as soon as a client could see it', () => {
    const reader = openaiResponses.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents({ type: 'response.created', response: BEGUN })));
    expect(reader.sawContent).toBe(false);
    reader.push(Buffer.from(namedEvents({ type: 'response.function_call_arguments.delta', delta: '{"a"' })));
    expect(reader.sawContent).toBe(true);
    reader.push(Buffer.from(namedEvents({ type: 'response.output_text.delta', delta: 'event: response.completed' })));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('event: response.complete'));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from('d\n'));
    expect(reader.sawEnd).toBe(true);
    reader.push(Buffer.from(`data: ${JSON.stringify({ type: 'response.completed', response: RESPONSE })}\n\n`));
    expect(reader.sawEnd).toBe(true);
  });

  test('is measured by what the model wrote', () => {
    const reader = openaiResponses.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents({ type: 'response.created', response: BEGUN })));
    reader.push(Buffer.from(namedEvents({ type: 'response.output_text.delta', delta: 'x'.repeat(50) })));
    reader.measureContent();
    const delta = namedEvents({ type: 'response.reasoning_summary_text.delta', delta: 'x'.repeat(50) });
    for (let count = 0; count < 40; count++) reader.push(Buffer.from(delta));
    expect(reader.soFar().contentBytes / (41 * 50)).toBeGreaterThan(0.6);
    expect(reader.soFar().contentBytes / (41 * 50)).toBeLessThan(1.4);
    expect(reader.soFar()).toMatchObject({ stated: null, servedModel: 'gpt-5-mini-2025-08-07' });
  });
});

describe('a plain answer', () => {
  test('gives the same as a stream', () => {
    const text = JSON.stringify(RESPONSE, null, 2);
    expect(read(openaiResponses, JSON_BODY, text.slice(0, 99), text.slice(99))).toEqual(read(openaiResponses, SSE, WHOLE));
  });

  test('that waits in the background has no usage yet', () => {
    const text = JSON.stringify({ ...BEGUN, status: 'queued', background: true });
    expect(read(openaiResponses, JSON_BODY, text)).toMatchObject({
      usage: null,
      usageReason: 'not_reported',
      upstreamId: 'resp_1',
      finishReason: '',
      errorClass: '',
      complete: true,
    });
  });

  test('that is an error tells its code', () => {
    const text = JSON.stringify({ error: { message: 'no', type: 'invalid_request_error', code: 'model_not_found' } });
    expect(read(openaiResponses, { ...JSON_BODY, httpStatus: 400 }, text)).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'model_not_found',
    });
  });

  test('counts the searches of the web, not the pages that were opened', () => {
    const call = (action: unknown): object => ({ type: 'web_search_call', status: 'completed', action });
    const output = [call({ type: 'search', query: 'x' }), call({ type: 'open_page', url: 'x' }), call(undefined), MESSAGE];
    expect(read(openaiResponses, JSON_BODY, JSON.stringify({ ...RESPONSE, output })).usage).toMatchObject({ web_search_requests: 2 });
  });

  test('with an image that a tool made says that another model’s tokens are missing', () => {
    const output = [{ type: 'image_generation_call', result: 'aGk=' }, MESSAGE];
    expect(read(openaiResponses, JSON_BODY, JSON.stringify({ ...RESPONSE, output })).usageFlags).toEqual(['other_model_usage']);
  });

  test.each(['file_search_call', 'code_interpreter_call'])('with a %s says that something billed is missing', (type) => {
    expect(read(openaiResponses, JSON_BODY, JSON.stringify({ ...RESPONSE, output: [{ type }, MESSAGE] })).usageFlags).toEqual([
      'unclassified_units',
    ]);
  });

  test('whose counts are all zero keeps them, flagged', () => {
    const usage = {
      input_tokens: 0,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 0,
      output_tokens_details: { reasoning_tokens: 0 },
    };
    expect(read(openaiResponses, JSON_BODY, JSON.stringify({ ...RESPONSE, usage }))).toMatchObject({
      usage: { uncached_input: 0, visible_output: 0 },
      usageFlags: ['contradictory'],
    });
  });

  test('whose counts are none has its own text kept', () => {
    const text = JSON.stringify(RESPONSE).replace('"input_tokens":24', '"input_tokens":9007199254740993');
    expect(read(openaiResponses, JSON_BODY, text)).toMatchObject({ usage: null, usageReason: 'invalid_usage' });
    expect(read(openaiResponses, JSON_BODY, text).rawUsage).toContain('9007199254740993');
    expect(read(openaiResponses, SSE, namedEvents({ type: 'response.completed', response: {} }).replace('{}', text)).rawUsage).toContain(
      '9007199254740993',
    );
  });
});
