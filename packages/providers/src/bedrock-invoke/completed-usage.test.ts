import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import type { Normalised } from '../normalised.ts';
import { completedUsage } from './completed-usage.ts';

function usage(classes: Partial<Usage>, ...flags: readonly string[]): Normalised {
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...classes }, flags };
}

const OWN = usage(
  { uncached_input: 10, cache_read: 5, cache_write_5m: 3, cache_write_1h: 2, visible_output: 7, reasoning: 1 },
  'split_unknown',
);

test.each<readonly [string, Normalised | undefined, Normalised | undefined, Normalised | undefined]>([
  ['nothing was said', undefined, undefined, undefined],
  ['only the model said something', OWN, undefined, OWN],
  ['Bedrock said nothing of tokens', OWN, { kind: 'none' }, OWN],
  ['only Bedrock said something', undefined, usage({ uncached_input: 1 }), usage({ uncached_input: 1 })],
  ['the model said nothing of tokens', { kind: 'none' }, usage({ uncached_input: 1 }), usage({ uncached_input: 1 })],
  ['the model said nonsense', { kind: 'invalid' }, usage({ uncached_input: 1 }), { kind: 'invalid' }],
])('%s', (_, own, stated, expected) => {
  expect(completedUsage(own, stated)).toEqual(expected);
});

test.each([10, 20])('both agree, whether the cache is counted as input or not: %d', (input) => {
  expect(completedUsage(OWN, usage({ uncached_input: input, visible_output: 8 }))).toEqual(OWN);
});

test.each([
  usage({ uncached_input: 11, visible_output: 8 }),
  usage({ uncached_input: 10, visible_output: 7 }),
  { kind: 'invalid' } as const,
])('the model’s account rules where they disagree, and says so: %j', (stated) => {
  const completed = completedUsage(OWN, stated);
  expect(completed).toMatchObject({ usage: { uncached_input: 10, visible_output: 7 }, flags: ['split_unknown', 'contradictory'] });
});

test('a side that the model leaves out is taken from Bedrock’s account', () => {
  const stated = usage({ uncached_input: 30, cache_read: 0, cache_write_5m: 4, visible_output: 51 });
  expect(completedUsage(usage({ uncached_input: 30, cache_read: 0 }), stated)).toEqual(
    usage({ uncached_input: 30, cache_read: 0, visible_output: 51 }),
  );
  expect(completedUsage(usage({ cache_read: 0, visible_output: 51 }), stated)).toEqual(
    usage({ uncached_input: 30, cache_read: 0, cache_write_5m: 4, visible_output: 51 }),
  );
});
