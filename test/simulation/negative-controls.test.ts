// The simulation has to find what a missing rule does: each of these leaves one out, and has to fail within 200 seeds.
import { describe, expect, test } from 'vitest';
import { runRange } from './support/run-range.ts';
import { AS_BUILT, type Variant } from './support/world.ts';

const SEEDS_MAX = 200;

const controls: readonly { readonly name: string; readonly variant: Variant; readonly shows: RegExp }[] = [
  {
    name: 'the deduplication token alone is trusted',
    variant: { ...AS_BUILT, store: 'token_trusted' },
    shows: /was billed once and is 0 times in the ledger/,
  },
  {
    name: 'the journal is not synced before the answer, and the power is cut',
    variant: { ...AS_BUILT, durability: 'process' },
    shows: /was billed once and is 0 times in the ledger/,
  },
  {
    name: 'numbers are given again after a journal was restored',
    variant: { ...AS_BUILT, sources: 'fixed' },
    shows: /was billed once and is 0 times in the ledger/,
  },
];

describe.each(controls)('$name', ({ variant, shows }) => {
  test('is found', { timeout: 300_000 }, async () => {
    const { failed, runs } = await runRange({ from: 1, seeds: SEEDS_MAX, variant, untilFailure: true });
    expect(failed, `nothing was found in ${runs} seeds`).toHaveLength(1);
    expect(failed[0]?.failures.filter((failure) => shows.test(failure))).not.toEqual([]);
  });
});
