import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SSE_EVENT_BYTES_MAX } from '../answer-reader.ts';
import type { Surface } from '../surface.ts';
import { SURFACES } from '../surfaces.ts';
import { resultReader, type ResultsKind } from './result-reader.ts';
import type { IdentifiedResult, ResultFact } from './result.ts';

const surface = (name: string): Surface | undefined => Object.entries<Surface>(SURFACES).find(([known]) => known === name)?.[1];

interface Reading {
  readonly kind: ResultsKind;
  readonly name?: string;
  readonly contentType?: string;
  readonly isWhole?: boolean;
}

function facts(
  { kind, name = 'the-name', contentType = 'application/json', isWhole = true }: Reading,
  chunks: readonly Buffer[],
): readonly ResultFact[] {
  const found: ResultFact[] = [];
  const reader = resultReader({
    kind,
    name,
    contentType,
    httpStatus: 200,
    answerBytesMax: 1 << 20,
    surface,
    onFact: (fact) => found.push(fact),
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  if (isWhole) reader.whole();
  return found;
}

const read = (reading: Reading, text: string): readonly ResultFact[] => facts(reading, [Buffer.from(text)]);
const json = (reading: Reading, answer: unknown): readonly ResultFact[] => read(reading, JSON.stringify(answer));
const results = (found: readonly ResultFact[]): readonly IdentifiedResult[] => found.filter((fact) => fact.kind === 'result');
const lines = (...of: readonly unknown[]): string => of.map((line) => `${JSON.stringify(line)}\n`).join('');

const chat = (prompt: number, completion: number) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  service_tier: 'default',
  choices: [{ index: 0, message: { role: 'assistant', content: '{"usage": {"prompt_tokens": 9999}}' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});
const openaiLine = (id: string, body: unknown, status = 200) => ({
  id: `batch_req_${id}`,
  custom_id: id,
  response: { status_code: status, request_id: `req_${id}`, body },
  error: null,
});

test('each line of an output file is a result at the prices of batches, numbered by its place', () => {
  const text = lines(openaiLine('a', chat(10, 3)), openaiLine('b', chat(20, 4)));
  expect(read({ kind: 'file', name: 'file-1', contentType: 'application/octet-stream' }, text)).toMatchObject([
    {
      kind: 'result',
      name: 'file-1',
      sequence: 1,
      origin: 'batch_line',
      surface: 'openai.chat',
      callId: 'req_a',
      occurredAtMs: 1_760_000_000_000,
      httpStatus: 200,
      answer: { usage: { uncached_input: 10, visible_output: 3 }, serviceTier: 'batch', servedModel: 'gpt-4o-mini-2024-07-18' },
    },
    { sequence: 2, origin: 'batch_last_line', answer: { usage: { uncached_input: 20, visible_output: 4 } } },
  ]);
});

test('of a file that breaks off nothing is told to be the last line', () => {
  const text = lines(openaiLine('a', chat(10, 3)), openaiLine('b', chat(20, 4)));
  const cut = results(read({ kind: 'file', isWhole: false }, text.slice(0, -5)));
  expect(cut.map(({ sequence, origin }) => [sequence, origin])).toEqual([[1, 'batch_line']]);
});

test('a line tells which API it was written for', () => {
  const response = {
    object: 'response',
    id: 'resp_1',
    created_at: 1_760_000_000,
    model: 'gpt-5',
    status: 'completed',
    output: [],
    usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 },
  };
  const vectors = { object: 'list', model: 'text-embedding-3-small', data: [], usage: { prompt_tokens: 7, total_tokens: 7 } };
  const found = results(
    read({ kind: 'file' }, lines(openaiLine('a', response), openaiLine('b', vectors), openaiLine('c', { results: [] }))),
  );
  expect(found.map(({ surface: name, answer }) => [name, answer.usage?.uncached_input ?? answer.usageReason])).toEqual([
    ['openai.responses', 5],
    ['openai.embeddings', 7],
    ['openai.batches', 'not_reported'],
  ]);
});

test('a line that failed, or that cannot be read, is a result without usage: every line has its number', () => {
  const failed = { id: 'batch_req_a', custom_id: 'a', response: null, error: { code: 'batch_expired', message: 'too late' } };
  const refused = openaiLine('b', { error: { message: 'no', type: 'invalid_request_error', param: null, code: null } }, 400);
  const text = `${lines(failed, refused)}\n{"custom_id": cut off\n${lines(openaiLine('d', chat(1, 1)))}`;
  expect(results(read({ kind: 'file' }, text)).map(({ sequence, answer }) => [sequence, answer.usageReason, answer.errorClass])).toEqual([
    [1, 'not_forwarded', 'batch_expired'],
    [2, 'upstream_error', 'invalid_request_error'],
    [3, 'undecodable_answer', ''],
    [4, '', ''],
  ]);
});

test.each([
  ['an input file', '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}\n'],
  ['text', 'custom_id, response\n1, 2\n'],
  ['nothing', ''],
  ['a JSON document', '{"response": {"body": {}}}'],
])('%s is no output file', (_name, text) => {
  expect(read({ kind: 'file' }, text + lines(openaiLine('a', chat(1, 1))).repeat(text === '' ? 0 : 1))).toEqual([]);
});

test('a line that is too long is a result whose usage is unknown, and those after it are read', () => {
  const long = openaiLine('a', { ...chat(1, 1), padding: 'x'.repeat(SSE_EVENT_BYTES_MAX) });
  const found = results(read({ kind: 'file' }, lines(long, long, openaiLine('c', chat(3, 4)))));
  expect(found.map(({ sequence, answer }) => [sequence, answer.usageReason])).toEqual([
    [1, 'answer_too_large'],
    [2, 'answer_too_large'],
    [3, ''],
  ]);
});

test('Anthropic’s results: messages as the API answers them; what was never sent to the model is told as that', () => {
  const message = {
    id: 'msg_1',
    type: 'message',
    model: 'claude-sonnet-4-5',
    stop_reason: 'end_turn',
    content: [],
    usage: { input_tokens: 11, output_tokens: 36, cache_creation_input_tokens: 2, cache_read_input_tokens: 5, service_tier: 'batch' },
  };
  const text = lines(
    { custom_id: 'a', result: { type: 'succeeded', message } },
    { custom_id: 'b', result: { type: 'errored', error: { type: 'error', error: { type: 'invalid_request', message: 'no' } } } },
    { custom_id: 'c', result: { type: 'expired' } },
  );
  expect(read({ kind: 'message_batch', name: 'msgbatch_1' }, text)).toMatchObject([
    {
      name: 'msgbatch_1',
      sequence: 1,
      surface: 'anthropic.messages',
      callId: 'msg_1',
      httpStatus: 200,
      answer: { serviceTier: 'batch', usage: { uncached_input: 11, cache_read: 5, cache_write_5m: 2, visible_output: 36 } },
    },
    { sequence: 2, httpStatus: null, answer: { usage: null, usageReason: 'upstream_error', errorClass: 'invalid_request' } },
    { sequence: 3, origin: 'batch_last_line', answer: { usage: null, usageReason: 'not_forwarded', errorClass: 'expired' } },
  ]);
});

const background = (status: string, more: object = {}) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_760_000_000,
  background: true,
  status,
  model: 'gpt-5',
  output: [],
  usage: null,
  ...more,
});
const USAGE = { input_tokens: 5, output_tokens: 6, total_tokens: 11 };

test('a background response is a result once it is done, however it is read', () => {
  const done = background('completed', { usage: USAGE });
  const expected = [
    {
      kind: 'result',
      name: 'resp_1',
      sequence: 1,
      origin: 'background_response',
      occurredAtMs: 1_760_000_000_000,
      answer: { usage: { uncached_input: 5 } },
    },
  ];
  expect(json({ kind: 'response' }, done)).toMatchObject(expected);
  const stream = `event: response.completed\ndata: ${JSON.stringify({ type: 'response.completed', response: done })}\n\n`;
  expect(read({ kind: 'response', contentType: 'text/event-stream' }, stream)).toMatchObject(expected);
  expect(json({ kind: 'response' }, background('failed'))).toMatchObject([{ answer: { usage: null } }]);
  expect(json({ kind: 'response' }, background('cancelled', { usage: USAGE }))).toMatchObject(expected);
});

test.each([
  ['queued', background('queued')],
  ['in progress', background('in_progress')],
  ['cancelled without usage: it may be billed', background('cancelled')],
  ['stored, and billed when it was made', { ...background('completed', { usage: USAGE }), background: false }],
  ['an error', { error: { message: 'no', type: 'invalid_request_error', code: null, param: null } }],
])('a response is no result: %s', (_name, answer) => {
  expect(json({ kind: 'response' }, answer)).toEqual([]);
});

const batch = (status: string, more: object = {}) => ({
  id: 'batch_1',
  object: 'batch',
  status,
  created_at: 1_760_000_000,
  output_file_id: null,
  error_file_id: null,
  ...more,
});

test('a batch tells the files that hold its results, alone and in a list', () => {
  const done = batch('completed', { output_file_id: 'file-1', error_file_id: 'file-2' });
  const named = { kind: 'named', id: 'batch_1', names: ['file-1', 'file-2'] };
  expect(json({ kind: 'batches' }, done)).toEqual([named]);
  expect(json({ kind: 'batches' }, { object: 'list', data: [batch('in_progress'), done, null] })).toEqual([named]);
});

test('a batch that ended without anything done is a result of its own, since no file follows', () => {
  const nothing = { request_counts: { total: 0, completed: 0, failed: 0 } };
  expect(json({ kind: 'batches' }, batch('failed'))).toMatchObject([
    {
      kind: 'result',
      name: 'batch_1',
      sequence: 1,
      origin: 'batch_last_line',
      answer: { usageReason: 'not_forwarded', errorClass: 'batch_failed' },
    },
  ]);
  expect(json({ kind: 'batches' }, batch('expired', nothing))).toMatchObject([{ answer: { errorClass: 'batch_expired' } }]);
  expect(json({ kind: 'batches' }, batch('cancelled', { request_counts: { total: 2, completed: 1, failed: 0 } }))).toEqual([]);
});

const KINDS = ['response', 'batches', 'file', 'message_batch'] as const;
const SAMPLE = lines(openaiLine('a', chat(10, 3)), { custom_id: 'b', result: { type: 'canceled' } }, openaiLine('c', { data: [] }));

test('any chunking of the same bytes tells the same, and no input throws', () => {
  const bytes = Buffer.from(SAMPLE);
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 20 });
  const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), cuts, damage, (kind, at, changes) => {
      const damaged = Buffer.from(bytes);
      for (const [index, byte] of changes) damaged[index] = byte;
      const edges = [0, ...at.toSorted((one, other) => one - other), damaged.length];
      const chunks = edges.slice(1).map((to, index) => Buffer.from(damaged.subarray(edges[index], to)));
      expect(facts({ kind }, chunks)).toEqual(facts({ kind }, [damaged]));
    }),
  );
});
