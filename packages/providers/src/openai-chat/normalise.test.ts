import { inputTokens, outputTokens, UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normaliseChatUsage } from './normalise.ts';

function usageOf(usage: Record<string, unknown>): Partial<Usage> & { readonly flags: readonly string[] } {
  const normalised = normaliseChatUsage(usage);
  if (normalised.kind !== 'usage') throw new Error(`expected usage, got ${normalised.kind}`);
  const known = Object.entries(normalised.usage).filter(([, quantity]) => quantity !== null);
  return { ...Object.fromEntries(known), flags: normalised.flags };
}

test('every part is taken out of its total', () => {
  expect(
    usageOf({
      prompt_tokens: 1000,
      completion_tokens: 500,
      total_tokens: 1500,
      prompt_tokens_details: { cached_tokens: 600, audio_tokens: 0, image_tokens: 0, cache_write_tokens: 100 },
      completion_tokens_details: {
        reasoning_tokens: 300,
        audio_tokens: 50,
        accepted_prediction_tokens: 20,
        rejected_prediction_tokens: 30,
      },
    }),
  ).toEqual({
    uncached_input: 300,
    cache_read: 600,
    cache_write_5m: 100,
    cache_write_1h: 0,
    input_audio: 0,
    cached_audio: 0,
    input_image: 0,
    visible_output: 150,
    reasoning: 300,
    output_audio: 50,
    flags: [],
  });
});

test('totals alone stand in the plain classes, flagged', () => {
  expect(usageOf({ prompt_tokens: 15, completion_tokens: 23, total_tokens: 38 })).toEqual({
    uncached_input: 15,
    visible_output: 23,
    flags: ['split_unknown'],
  });
});

test('a detail that is absent is unknown, one that is null too', () => {
  const usage = usageOf({
    prompt_tokens: 20,
    completion_tokens: 3,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: null },
    completion_tokens_details: { reasoning_tokens: 0 },
  });
  expect(usage).toEqual({ uncached_input: 20, cache_read: 0, visible_output: 3, reasoning: 0, flags: [] });
});

test('cached tokens are taken to be text first, then audio, then images', () => {
  const details = { cached_tokens: 70, audio_tokens: 40, image_tokens: 20 };
  expect(usageOf({ prompt_tokens: 100, prompt_tokens_details: details })).toEqual({
    uncached_input: 0,
    cache_read: 40,
    input_audio: 10,
    cached_audio: 30,
    input_image: 20,
    flags: ['split_unknown'],
  });
  expect(usageOf({ prompt_tokens: 75, prompt_tokens_details: details })).toEqual({
    uncached_input: 0,
    cache_read: 30,
    input_audio: 0,
    cached_audio: 40,
    input_image: 5,
    flags: ['split_unknown'],
  });
});

test('parts that exceed their total leave the total, flagged', () => {
  expect(usageOf({ prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 161 } })).toEqual({
    uncached_input: 10,
    flags: ['split_unknown', 'contradictory'],
  });
  expect(usageOf({ completion_tokens: 82, completion_tokens_details: { reasoning_tokens: 320 } })).toEqual({
    visible_output: 82,
    flags: ['split_unknown', 'contradictory'],
  });
});

test('a total of the provider that is not the sum is flagged', () => {
  const usage = {
    prompt_tokens: 1,
    completion_tokens: 2,
    total_tokens: 9,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
  expect(usageOf(usage).flags).toEqual(['total_differs']);
});

test.each([
  ['negative', { prompt_tokens: -1, completion_tokens: 2 }],
  ['a fraction', { prompt_tokens: 1.5, completion_tokens: 2 }],
  ['text', { prompt_tokens: '12', completion_tokens: 2 }],
  ['beyond 2^53', { prompt_tokens: 2 ** 53, completion_tokens: 2 }],
  ['beyond 2^53 in sum', { prompt_tokens: 2 ** 53 - 1, completion_tokens: 1 }],
  ['a part that is text', { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: '0' } }],
  ['details that are no object', { prompt_tokens: 1, prompt_tokens_details: [] }],
  ['parts without totals', { total_tokens: 5 }],
])('%s makes usage invalid', (_name, usage) => {
  expect(normaliseChatUsage(usage)).toEqual({ kind: 'invalid' });
});

test('an object without counts is none', () => {
  expect(normaliseChatUsage({})).toEqual({ kind: 'none' });
  expect(normaliseChatUsage({ prompt_tokens: null, cost: 'unknown' })).toEqual({ kind: 'none' });
});

test('classes always add up to the totals, and none is negative', () => {
  const count = fc.option(fc.nat(50), { nil: undefined });
  const usages = fc.record({
    prompt_tokens: fc.nat(100),
    completion_tokens: fc.nat(100),
    prompt_tokens_details: fc.record({ cached_tokens: count, audio_tokens: count, image_tokens: count, cache_write_tokens: count }),
    completion_tokens_details: fc.record({ reasoning_tokens: count, audio_tokens: count, image_tokens: count }),
  });
  fc.assert(
    fc.property(usages, (raw) => {
      const normalised = normaliseChatUsage(raw);
      const usage = normalised.kind === 'usage' ? normalised.usage : UNKNOWN_USAGE;
      expect(inputTokens(usage)).toBe(raw.prompt_tokens);
      expect(outputTokens(usage)).toBe(raw.completion_tokens);
      expect(Object.values(usage).every((quantity) => quantity === null || quantity >= 0)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
