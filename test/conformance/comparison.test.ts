/** What the comparison of a conformance run must see: a comparison that finds nothing wrong proves nothing. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import { differences, type SeenExchange } from './support/comparison.ts';
import type { ExpectedUsage, Recording } from './support/recording.ts';

const USAGE: Usage = {
  ...UNKNOWN_USAGE,
  uncached_input: 10,
  cache_read: 4,
  cache_write_5m: 2,
  cache_write_1h: 1,
  input_audio: 0,
  visible_output: 6,
  reasoning: 3,
};
const EXPECTED: ExpectedUsage = {
  model: 'model-1-2026',
  model_requested: 'model-1',
  service_tier: 'default',
  usage_present: true,
  input_tokens: 17,
  output_tokens: 9,
  cached_input_tokens: 4,
  cache_write_tokens: 3,
  cache_write_5m_tokens: 2,
  cache_write_1h_tokens: 1,
  reasoning_tokens: 3,
  audio_in: 0,
  audio_out: null,
};
const SEEN: SeenExchange = {
  requestedModel: 'model-1',
  servedModel: 'model-1-2026',
  serviceTier: 'default',
  usageReason: '',
  usage: USAGE,
};
const UNREPORTED: ExpectedUsage = { model: null, model_requested: 'model-1', usage_present: false };
const UNSEEN: SeenExchange = { ...SEEN, servedModel: '', serviceTier: '', usageReason: 'not_reported', usage: UNKNOWN_USAGE };

function recordingOf(expected: ExpectedUsage, status = 200, responseBody = ''): Recording {
  const text = { id: 'a', file: 'a.jsonl', provider: 'openai', host: '', kind: 'chat', method: 'POST', path: '/', requestBody: '' };
  const answer = { status, contentType: '', contentEncoding: '', responseBody, responseBytes: Buffer.from(responseBody) };
  return { ...text, ...answer, requestHeaders: {}, responseHeaders: {}, streaming: false, isError: status >= 400, expected };
}

test('a row that says what is expected has no differences', () => {
  expect(differences(recordingOf(EXPECTED), SEEN)).toEqual([]);
  expect(differences(recordingOf(UNREPORTED), UNSEEN)).toEqual([]);
  expect(differences(recordingOf(UNREPORTED, 429), { ...UNSEEN, usageReason: 'upstream_error' })).toEqual([]);
});

describe('of known usage, it sees', () => {
  test.each<[what: string, seen: Partial<SeenExchange>, told: string]>([
    ['another requested model', { requestedModel: 'model-2' }, 'the requested model is "model-2", not "model-1"'],
    ['another served model', { servedModel: 'model-1' }, 'the served model is "model-1", not "model-1-2026"'],
    ['another tier', { serviceTier: 'flex' }, 'the service tier is "flex", not "default"'],
    ['no usage', { usageReason: 'not_reported', usage: UNKNOWN_USAGE }, 'usage is null (not_reported), but the provider stated it'],
    ['a token too many', { usage: { ...USAGE, uncached_input: 11 } }, 'input tokens are 18, not 17'],
    ['a token too few', { usage: { ...USAGE, visible_output: 5 } }, 'output tokens are 8, not 9'],
    ['a part counted beside itself', { usage: { ...USAGE, uncached_input: 14, cache_read: 0 } }, 'cached_input_tokens is 0, not 4'],
    [
      'one kind of cache write for the other',
      { usage: { ...USAGE, cache_write_5m: 3, cache_write_1h: 0 } },
      'cache_write_1h_tokens is 0, not 1',
    ],
    ['an unknown part where none was told', { usage: { ...USAGE, input_audio: null } }, 'audio_in is null, not 0'],
    ['a part that nobody told', { usage: { ...USAGE, visible_output: 5, output_audio: 1 } }, 'audio_out is 1, not null'],
  ])('%s', (_, seen, told) => {
    expect(differences(recordingOf(EXPECTED), { ...SEEN, ...seen })).toContain(told);
  });
});

describe('a part that the expectation does not tell is right', () => {
  const { audio_out: _, reasoning_tokens: __, ...untold } = EXPECTED;

  test('where the usage object states it by another name', () => {
    const expected = { ...untold, usage_raw: { output: { spoken: 3 } } };
    const usage = { ...USAGE, reasoning: 0, output_audio: 3 };
    expect(differences(recordingOf(expected), { ...SEEN, usage })).toEqual([]);
  });

  test('where the total alone holds it', () => {
    const expected = { ...untold, usage_raw: { prompt_tokens: 17, completion_tokens: 6, total_tokens: 26 } };
    expect(differences(recordingOf(expected), SEEN)).toEqual([]);
  });

  test('and not where nobody states it', () => {
    const expected = { ...untold, usage_raw: { prompt_tokens: 17, completion_tokens: 9, total_tokens: 26 } };
    expect(differences(recordingOf(expected), SEEN)).toEqual(['reasoning_tokens is 3, not null']);
  });
});

describe('of usage that nobody reported, it sees', () => {
  test.each<[what: string, seen: Partial<SeenExchange>, told: string]>([
    ['a zero', { usage: { ...UNKNOWN_USAGE, visible_output: 0 } }, 'visible_output should be null: the provider stated no tokens'],
    ['no reason', { usageReason: '' }, 'usage is null without a reason'],
    ['a model out of nowhere', { servedModel: 'model-2' }, 'the served model is "model-2", not ""'],
    ['a tier out of nowhere', { serviceTier: 'flex' }, 'the service tier is "flex", not ""'],
  ])('%s', (_, seen, told) => {
    expect(differences(recordingOf(UNREPORTED), { ...UNSEEN, ...seen })).toContain(told);
  });

  test('another reason than that of an error', () => {
    expect(differences(recordingOf(UNREPORTED, 500), UNSEEN)).toEqual(['the reason is "not_reported", not "upstream_error"']);
  });

  test('nothing wrong in units that are no tokens', () => {
    const seen = { ...UNSEEN, usageReason: '', usage: { ...UNKNOWN_USAGE, audio_seconds: 7 } };
    expect(differences(recordingOf(UNREPORTED), seen)).toEqual([]);
  });
});

test('a tier that the answer names is right where none is expected', () => {
  const seen = { ...UNSEEN, serviceTier: 'standard' };
  expect(differences(recordingOf(UNREPORTED, 200, '{"service_tier":"standard"}'), seen)).toEqual([]);
});
