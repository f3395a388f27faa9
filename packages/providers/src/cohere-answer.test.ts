import { describe, expect, test } from 'vitest';
import { cohereChat } from './cohere-chat/index.ts';
import { cohereEmbed } from './cohere-embed/index.ts';
import { cohereGenerate } from './cohere-generate/index.ts';
import { cohereRerank } from './cohere-rerank/index.ts';
import type { RequestFacts } from './surface.ts';
import { JSON_BODY, namedEvents, read, SSE } from './testing/answers.ts';

const LINES = { contentType: 'application/stream+json' };
const UNITS = { billed_units: { input_tokens: 33, output_tokens: 7 }, tokens: { input_tokens: 1452, output_tokens: 7 } };
const BILLED = { uncached_input: 33, cache_read: null, visible_output: 7, reasoning: null };
const lines = (...events: readonly object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');

describe('a plain answer', () => {
  test('of the second version counts what is billed, not what the model saw', () => {
    const answer = { id: 'c1', message: { content: [] }, finish_reason: 'COMPLETE', usage: { ...UNITS, cached_tokens: 1440 } };
    expect(read(cohereChat, JSON_BODY, JSON.stringify(answer))).toMatchObject({
      usage: BILLED,
      usageFlags: ['split_unknown'],
      rawUsage: JSON.stringify({ ...UNITS, cached_tokens: 1440 }),
      servedModel: '',
      upstreamId: 'c1',
      finishReason: 'COMPLETE',
      complete: true,
    });
  });

  test('of the first version has it beside warnings, which are not kept', () => {
    const answer = { text: 'a', generation_id: 'g1', finish_reason: 'MAX_TOKENS', meta: { warnings: ['deprecated'], ...UNITS } };
    expect(read(cohereChat, JSON_BODY, JSON.stringify(answer))).toMatchObject({
      usage: BILLED,
      rawUsage: JSON.stringify(UNITS),
      upstreamId: 'g1',
      finishReason: 'MAX_TOKENS',
    });
    const generated = { id: 'g2', generations: [{ text: 'a', finish_reason: 'COMPLETE' }], meta: { billed_units: UNITS.billed_units } };
    expect(read(cohereGenerate, JSON_BODY, JSON.stringify(generated))).toMatchObject({ usage: BILLED, finishReason: 'COMPLETE' });
  });

  test('in which nothing was billed has the tokens that it names', () => {
    expect(read(cohereChat, JSON_BODY, '{"usage":{"tokens":{"input_tokens":5,"output_tokens":2}}}').usage).toMatchObject({
      uncached_input: 5,
      visible_output: 2,
    });
  });

  test.each([
    ['{"usage":{"billed_units":{"input_tokens":1.5,"output_tokens":2}}}', 'invalid_usage'],
    ['{"usage":{"billed_units":[1]}}', 'invalid_usage'],
    ['{"usage":{"billed_units":{}}}', 'not_reported'],
    ['{"usage":"much","meta":null}', 'not_reported'],
    ['{"text":"\\"billed_units\\":{\\"input_tokens\\":5}"}', 'not_reported'],
  ])('%s has no usage: %s', (body, reason) => {
    expect(read(cohereChat, JSON_BODY, body)).toMatchObject({ usage: null, usageReason: reason });
  });
});

describe('a stream', () => {
  const START = { id: 'c1', type: 'message-start', delta: { message: { role: 'assistant', content: [] } } } as const;
  const END = { type: 'message-end', delta: { finish_reason: 'TOOL_CALL', usage: UNITS } } as const;
  const delta = (message: object) => ({ type: 'content-delta', index: 0, delta: { message } });

  test('of the second version ends with its usage, then a mark', () => {
    const events = namedEvents(START, delta({ content: { text: 'Ar' } }), delta({ content: { text: 'rr' } }), END);
    const expected = { usage: BILLED, upstreamId: 'c1', finishReason: 'TOOL_CALL', complete: true };
    expect(read(cohereChat, SSE, events, 'data: [DONE]\n\n')).toMatchObject(expected);
    expect(read(cohereChat, SSE, events)).toMatchObject(expected);
  });

  test('is known to be over from its last event on', () => {
    const reader = cohereChat.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents(START)));
    expect([reader.sawContent, reader.sawEnd]).toEqual([false, false]);
    reader.push(Buffer.from(namedEvents(delta({ tool_plan: 'I will' }))));
    expect([reader.sawContent, reader.sawEnd]).toEqual([true, false]);
    const end = namedEvents(END);
    reader.push(Buffer.from(end.slice(0, 12)));
    expect(reader.sawEnd).toBe(false);
    reader.push(Buffer.from(end.slice(12, 60)));
    expect(reader.sawEnd).toBe(true);
  });

  test('that ends with an error says so', () => {
    const end = { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'generation failed' } } as const;
    expect(read(cohereChat, SSE, namedEvents(START, end))).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'error',
    });
  });

  test('of the first version is a text a line, the last of which holds the whole answer', () => {
    const text = { is_finished: false, event_type: 'text-generation', text: 'Ar' };
    const end = {
      is_finished: true,
      event_type: 'stream-end',
      response: { response_id: 'r1', generation_id: 'g1', meta: UNITS },
      finish_reason: 'COMPLETE',
    };
    const whole = lines({ is_finished: false, event_type: 'stream-start', generation_id: 'g1' }, text, text, end);
    expect(read(cohereChat, LINES, whole)).toMatchObject({ usage: BILLED, upstreamId: 'g1', finishReason: 'COMPLETE', complete: true });
    expect(read(cohereChat, LINES, whole.slice(0, 150))).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('that breaks off is measured by its content', () => {
    const reader = cohereChat.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents(START, delta({ content: { text: 'x'.repeat(400) } }))));
    reader.measureContent();
    for (let count = 0; count < 20; count++) reader.push(Buffer.from(namedEvents(delta({ content: { text: 'x'.repeat(400) } }))));
    expect(reader.soFar().contentBytes / (21 * 400)).toBeCloseTo(1, 1);
  });
});

test('an embedding is billed in input; pictures by their tokens or by number', () => {
  const billed = (units: object): unknown =>
    read(cohereEmbed, JSON_BODY, JSON.stringify({ id: 'e', embeddings: {}, meta: { billed_units: units } })).usage;
  expect(billed({ input_tokens: 208 })).toMatchObject({ uncached_input: 208, visible_output: null, input_image: null });
  expect(billed({ input_tokens: 8, image_tokens: 2068 })).toMatchObject({ uncached_input: 8, input_image: 2068 });
  expect(billed({ images: 3 })).toMatchObject({ uncached_input: null, images: 3 });
});

test('a rerank is billed in searches, for which there is no class; Voyage’s in tokens', () => {
  expect(read(cohereRerank, JSON_BODY, '{"id":"r","results":[],"meta":{"billed_units":{"search_units":1}}}')).toMatchObject({
    usage: null,
    usageReason: 'not_reported',
    usageFlags: ['unclassified_units'],
    rawUsage: '{"billed_units":{"search_units":1}}',
  });
  expect(read(cohereRerank, JSON_BODY, '{"object":"list","data":[],"model":"rerank-2","usage":{"total_tokens":43}}')).toMatchObject({
    usage: { uncached_input: 43, visible_output: 0 },
    usageFlags: [],
    servedModel: 'rerank-2',
  });
});

test('Writer’s chat speaks as OpenAI does', () => {
  const usage = { prompt_tokens: 40, total_tokens: 49, completion_tokens: 9, prompt_token_details: { cached_tokens: 10 } };
  const answer = JSON.stringify({ id: 'w', model: 'palmyra-x4', choices: [{ index: 0, finish_reason: 'stop', message: {} }], usage });
  expect(read(cohereChat, { ...JSON_BODY, provider: 'writer' }, answer)).toMatchObject({
    usage: { uncached_input: 30, cache_read: 10, visible_output: 9 },
    servedModel: 'palmyra-x4',
    finishReason: 'stop',
  });
  const asked = cohereChat.readRequest(Buffer.from('{"model":"palmyra-x4","stream":true}'), { injectUsage: true, provider: 'writer' });
  expect(asked).toMatchObject({ kind: 'request', streamed: true });
  expect(String(asked.kind === 'request' && asked.injectedBody)).toContain('include_usage');
});

test('requests of both versions tell their last tool call', () => {
  const facts = (body: object): RequestFacts => {
    const request = cohereChat.readRequest(Buffer.from(JSON.stringify(body)), { injectUsage: true });
    if (request.kind === 'rejected') throw new Error(request.message);
    return request;
  };
  const call = { role: 'assistant', tool_calls: [{ id: 'x', function: { name: 'find', arguments: '{"a":1}' } }] };
  expect(facts({ model: 'm', stream: true, messages: [call] })).toMatchObject({
    streamed: true,
    injectedBody: undefined,
    lastToolText: 'find({"a":1})',
  });
  const result = { call: { name: 'find', parameters: { a: 1 } }, outputs: [{}] };
  expect(facts({ message: 'm', tool_results: [result] })).toMatchObject({ model: '', streamed: false, lastToolText: 'find({"a":1})' });
});
