/** Which rows belong to an exchange, and what they have to say besides usage. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import type { SeenRow } from './rows.ts';
import { CHUNKINGS, type Chunking } from './support/chunkings.ts';
import type { Recording } from './support/recording.ts';
import { verdictsOf } from './verdict.ts';

const USAGE: Usage = { ...UNKNOWN_USAGE, uncached_input: 5, visible_output: 2 };
const RECORDING: Recording = {
  id: 'a',
  file: 'a.jsonl',
  provider: 'openai',
  host: 'api.openai.com',
  kind: 'responses',
  method: 'POST',
  path: '/v1/responses',
  requestHeaders: {},
  requestBody: '{}',
  status: 200,
  responseHeaders: {},
  contentType: 'application/json',
  contentEncoding: '',
  responseBody: '{"id":"resp_1","background":true}',
  responseBytes: Buffer.alloc(0),
  streaming: false,
  isError: false,
  expected: { model: 'gpt-4.1', model_requested: 'gpt-4.1', usage_present: true, input_tokens: 5, output_tokens: 2 },
};
const ROW: SeenRow = {
  eventId: 'event-1',
  kind: 'usage',
  source: 'ingress/1',
  surface: 'openai.responses',
  requestedModel: 'gpt-4.1',
  servedModel: 'gpt-4.1',
  serviceTier: '',
  usageReason: '',
  usage: USAGE,
  streamed: false,
  outcome: 'ok',
  httpStatus: 200,
  inputTokens: 5,
  outputTokens: 2,
};
/** Of the call that handed it in. */
const LATER: SeenRow = { ...ROW, usageReason: 'reported_later', usage: UNKNOWN_USAGE, inputTokens: null, outputTokens: null };
const RESULT: SeenRow = {
  ...ROW,
  eventId: 'event-9',
  kind: 'import',
  source: 'openai/openai/resp_1',
  requestedModel: '',
  httpStatus: null,
};
const READ: Recording = { ...RECORDING, method: 'GET', path: '/v1/responses/resp_1', requestBody: '' };

function verdict(rows: readonly SeenRow[], recording = RECORDING): readonly string[] {
  const chunking = CHUNKINGS[0] as Chunking;
  return verdictsOf([{ recording, chunking, eventId: 'event-1', differences: [] }], rows).flatMap(({ differences }) => differences);
}

test('an exchange passes with one row that says what its recording says', () => {
  expect(verdict([ROW])).toEqual([]);
});

describe('an exchange fails', () => {
  test.each<[what: string, rows: readonly SeenRow[], told: string]>([
    ['without a row', [], 'there is no row'],
    ['with two', [ROW, ROW], 'there are 2 rows'],
    ['with a surface of another kind', [{ ...ROW, surface: 'unknown' }], 'the surface is "unknown"'],
    ['with another status', [{ ...ROW, httpStatus: 502 }], "the row's status is 502, not 200"],
    ['where it was not streamed', [{ ...ROW, streamed: true }], 'the row says that it was streamed'],
    ['with another outcome', [{ ...ROW, outcome: 'client_aborted' }], 'the outcome is client_aborted'],
    ['where the table sums otherwise', [{ ...ROW, inputTokens: 6 }], "the table's own sums differ"],
  ])('%s', (_, rows, told) => {
    expect(verdict(rows)).toContain(told);
  });
});

describe('usage with a name of its own', () => {
  test('is the row of that name, for who handed it in and saw its end, and for who reads it', () => {
    expect(verdict([LATER, RESULT])).toEqual([]);
    expect(verdict([RESULT], READ)).toEqual([]);
  });

  test('fails where it is missing, or there twice', () => {
    expect(verdict([LATER])).toEqual(['there is no row']);
    expect(verdict([], READ)).toEqual(['there is no row']);
    expect(verdict([RESULT, { ...RESULT, eventId: 'event-10' }], READ)).toEqual(['there are 2 rows']);
  });

  test('is none of an answer that was counted when it was made, nor of one that has not ended', () => {
    expect(verdict([], { ...READ, responseBody: '{"id":"resp_1","background":false}' })).toEqual([]);
    expect(verdict([], { ...READ, expected: { model: null, model_requested: null, usage_present: false } })).toEqual([]);
  });
});

test('a free call has no row', () => {
  const expected = { model: null, model_requested: null, usage_present: false };
  expect(verdict([], { ...RECORDING, kind: 'messages', path: '/v1/messages/count_tokens?beta=true', expected })).toEqual([]);
  expect(verdict([], { ...RECORDING, kind: 'messages', path: '/v1/messages?beta=true', expected })).toEqual(['there is no row']);
});

test('a row that belongs to no exchange is an error', () => {
  expect(() => verdict([ROW, { ...ROW, eventId: 'event-2' }])).toThrow('a row belongs to no exchange, of event event-2');
});
