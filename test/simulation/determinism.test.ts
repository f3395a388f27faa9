// A seed gives a run again, to the last number: else no failure could be looked into.
import { expect, test } from 'vitest';
import { runSeed } from './support/run-seed.ts';

test.each([11, 12, 13])('seed %i gives the same run twice', async (seed) => {
  const [first, second] = [await runSeed({ seed }), await runSeed({ seed })];
  expect(second.fingerprint).toBe(first.fingerprint);
  expect(second.failures).toEqual(first.failures);
});
