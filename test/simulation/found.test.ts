// Seeds that failed once, each by the name of what it found.
import { expect, test } from 'vitest';
import { runSeed } from './support/run-seed.ts';

const found: readonly (readonly [seed: number, what: string])[] = [
  [8, 'what is only on disk, and not synced there, is not read to be sent'],
  [30, 'power that goes while the next process recovers takes nothing that was promised'],
  [115, 'segments of a journal go one after the other, so that a kill in between leaves no hole'],
  [144, 'a hole in a journal is not told as damage where all of it has landed'],
  [2_824, 'all segments are read that are held, also while others are let go'],
  [3_469, 'a process that dies before it hears that it has joined a group is missed there, and what it had goes to others'],
  [4_859, 'what lands while it is read to be sent again is not called lost'],
  [5_960, 'how far a source was numbered is said, though its process was killed and all of it has landed'],
  [7_368, 'a group whose first member died as it joined is read by the second'],
];

test.each(found)('seed %i: %s', async (seed) => {
  expect((await runSeed({ seed })).failures).toEqual([]);
});
