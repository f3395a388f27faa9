import type { Usage } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { normaliseMessageUsage } from './normalise.ts';

const MODEL = 'claude-sonnet-4-5-20250929';

function usageOf(usage: Record<string, unknown>): Partial<Usage> & { readonly flags: readonly string[] } {
  const normalised = normaliseMessageUsage(usage, MODEL);
  if (normalised.kind !== 'usage') throw new Error(`expected usage, got ${normalised.kind}`);
  const known = Object.entries(normalised.usage).filter(([, quantity]) => quantity !== null);
  return { ...Object.fromEntries(known), flags: normalised.flags };
}

test('the cache stands beside the input, thinking inside the output', () => {
  expect(
    usageOf({
      input_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 70,
      cache_creation: { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 20 },
      output_tokens: 92,
      output_tokens_details: { thinking_tokens: 53 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
    }),
  ).toEqual({
    uncached_input: 10,
    cache_read: 200,
    cache_write_5m: 50,
    cache_write_1h: 20,
    visible_output: 39,
    reasoning: 53,
    web_search_requests: 2,
    flags: [],
  });
});

test('absent cache counts mean no caching, an absent thinking count is unknown', () => {
  expect(usageOf({ input_tokens: 17, output_tokens: 220 })).toEqual({
    uncached_input: 17,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    visible_output: 220,
    web_search_requests: 0,
    flags: ['split_unknown'],
  });
});

test('cache writes without a split live for 5 minutes, as the provider has it by default', () => {
  expect(
    usageOf({ input_tokens: 1, cache_creation_input_tokens: 40, output_tokens: 1, output_tokens_details: { thinking_tokens: 0 } }),
  ).toMatchObject({
    cache_write_5m: 40,
    cache_write_1h: 0,
    flags: [],
  });
});

test('a cumulative total beyond the split of the start lives for 5 minutes, flagged', () => {
  const split = { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 5 };
  expect(
    usageOf({
      input_tokens: 1,
      cache_creation_input_tokens: 40,
      cache_creation: split,
      output_tokens: 1,
      output_tokens_details: { thinking_tokens: 0 },
    }),
  ).toMatchObject({
    cache_write_5m: 35,
    cache_write_1h: 5,
    flags: ['split_unknown'],
  });
  expect(usageOf({ input_tokens: 1, cache_creation_input_tokens: 4, cache_creation: split, output_tokens: 1 }).flags).toContain(
    'contradictory',
  );
});

test('compaction is billed beside the totals and added; another model is only flagged', () => {
  const usage = usageOf({
    input_tokens: 23_000,
    output_tokens: 1000,
    output_tokens_details: { thinking_tokens: 0 },
    iterations: [
      { type: 'compaction', input_tokens: 180_000, output_tokens: 3500, cache_read_input_tokens: 7, cache_creation_input_tokens: 0 },
      { type: 'message', model: MODEL, input_tokens: 23_000, output_tokens: 1000 },
      { type: 'advisor_message', model: 'claude-opus-4-6', input_tokens: 500, output_tokens: 900 },
    ],
  });
  expect(usage).toMatchObject({ uncached_input: 203_000, cache_read: 7, visible_output: 4500 });
  expect(usage.flags).toEqual(expect.arrayContaining(['compaction', 'other_model_usage']));
});

test('more thinking than output leaves the output, flagged', () => {
  expect(usageOf({ input_tokens: 1, output_tokens: 5, output_tokens_details: { thinking_tokens: 9 } })).toMatchObject({
    visible_output: 5,
    flags: ['split_unknown', 'contradictory'],
  });
});

test.each([
  ['negative', { input_tokens: -1, output_tokens: 2 }],
  ['text', { input_tokens: 1, output_tokens: 'many' }],
  ['a fraction', { input_tokens: 1, output_tokens: 2.5 }],
  ['beyond 2^53', { input_tokens: 2 ** 53, output_tokens: 2 }],
  ['beyond 2^53 in sum', { input_tokens: 2 ** 53 - 1, output_tokens: 2 }],
  ['a cache split that is text', { input_tokens: 1, output_tokens: 2, cache_creation: { ephemeral_5m_input_tokens: 'x' } }],
  ['an iteration that is text', { input_tokens: 1, output_tokens: 2, iterations: [{ type: 'compaction', input_tokens: 'x' }] }],
])('%s makes usage invalid', (_name, usage) => {
  expect(normaliseMessageUsage(usage, MODEL)).toEqual({ kind: 'invalid' });
});

test('an object without counts is none', () => {
  expect(normaliseMessageUsage({ service_tier: 'standard' }, MODEL)).toEqual({ kind: 'none' });
});
