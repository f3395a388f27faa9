import type { Usage } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { normaliseConverseUsage } from './normalise.ts';

function usageOf(usage: Record<string, unknown>): Partial<Usage> & { readonly flags: readonly string[] } {
  const normalised = normaliseConverseUsage(usage);
  if (normalised.kind !== 'usage') throw new Error(`expected usage, got ${normalised.kind}`);
  const known = Object.entries(normalised.usage).filter(([, quantity]) => quantity !== null);
  return { ...Object.fromEntries(known), flags: normalised.flags };
}

const NO_CACHE = { cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 };

test('absent cache counts mean no caching; reasoning is inside the output, its share unknown', () => {
  expect(usageOf({ inputTokens: 236, outputTokens: 58, totalTokens: 294, serverToolUsage: {} })).toEqual({
    ...NO_CACHE,
    uncached_input: 236,
    visible_output: 58,
    flags: ['split_unknown'],
  });
});

test.each([
  ['cacheReadInputTokens', 'cacheWriteInputTokens'],
  ['cacheReadInputTokenCount', 'cacheWriteInputTokenCount'],
])('what the cache gave and took stands beside the input: %s', (read, write) => {
  expect(usageOf({ inputTokens: 4, outputTokens: 5, totalTokens: 309, [read]: 200, [write]: 100 })).toMatchObject({
    uncached_input: 4,
    cache_read: 200,
    cache_write_5m: 100,
    flags: ['split_unknown'],
  });
});

test('writes are split by lifetime where the details say so', () => {
  const cacheDetails = [
    { ttl: '1h', inputTokens: 60 },
    { ttl: '5m', inputTokens: 40 },
  ];
  expect(usageOf({ inputTokens: 4, outputTokens: 5, cacheWriteInputTokens: 100, cacheDetails })).toMatchObject({
    cache_write_5m: 40,
    cache_write_1h: 60,
  });
  expect(usageOf({ inputTokens: 4, outputTokens: 5, cacheDetails })).toMatchObject({ cache_write_5m: 40, cache_write_1h: 60 });
});

test('details that exceed the writes are flagged, and the total stands', () => {
  const cacheDetails = [{ ttl: '1h', inputTokens: 60 }];
  expect(usageOf({ inputTokens: 4, outputTokens: 5, cacheWriteInputTokens: 50, cacheDetails })).toMatchObject({
    cache_write_5m: 0,
    cache_write_1h: 50,
    flags: ['contradictory', 'split_unknown'],
  });
});

test('a total that is the sum neither with nor without the cache is flagged', () => {
  const usage = { inputTokens: 4, outputTokens: 5, cacheReadInputTokens: 20 };
  expect(usageOf({ ...usage, totalTokens: 9 }).flags).toEqual(['split_unknown']);
  expect(usageOf({ ...usage, totalTokens: 29 }).flags).toEqual(['split_unknown']);
  expect(usageOf({ ...usage, totalTokens: 10 }).flags).toEqual(['split_unknown', 'total_differs']);
});

test('a side that is not stated is unknown, never 0', () => {
  expect(usageOf({ inputTokens: 30 })).toEqual({ ...NO_CACHE, uncached_input: 30, flags: [] });
  expect(usageOf({ outputTokens: 30, cacheReadInputTokens: 0 })).toEqual({ visible_output: 30, flags: ['split_unknown'] });
  expect(usageOf({ outputTokens: 30, cacheReadInputTokens: 7 })).toMatchObject({ cache_read: 7, visible_output: 30 });
});

test.each([
  { inputTokens: -1, outputTokens: 1 },
  { inputTokens: 1.5, outputTokens: 1 },
  { inputTokens: '1', outputTokens: 1 },
  { inputTokens: Number.MAX_SAFE_INTEGER, outputTokens: 1 },
  { inputTokens: 2 ** 60, outputTokens: 1 },
  { inputTokens: 1, outputTokens: 1, cacheReadInputTokens: null, cacheWriteInputTokens: {} },
  { inputTokens: 1, outputTokens: 1, cacheDetails: [{ ttl: '1h', inputTokens: 'many' }] },
  { totalTokens: 5 },
])('what is no count makes the whole invalid: %j', (usage) => {
  expect(normaliseConverseUsage(usage)).toEqual({ kind: 'invalid' });
});

test('an object without counts says nothing', () => {
  expect(normaliseConverseUsage({ serverToolUsage: {} })).toEqual({ kind: 'none' });
});
