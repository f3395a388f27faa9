// A run that is over is let go of: thousands of seeds in one process take the memory of a few.
import { memoryUsage } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { runSeed } from './support/run-seed.ts';

const MIB = 1_048_576;
const WARM_UP_SEEDS = 5;
const SEEDS = 10;
/** One run takes some 25 MiB while it lasts. */
const GROWTH_MIB_MAX = 40;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function memoryAfter(from: number, seeds: number): Promise<number> {
  for (let seed = from; seed < from + seeds; seed++) await runSeed({ seed });
  // What was about to happen in the last run is told that it is over.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const { heapUsed, arrayBuffers } = memoryUsage();
  return (heapUsed + arrayBuffers) / MIB;
}

test('ten runs leave not even two in memory', async () => {
  const before = await memoryAfter(1, WARM_UP_SEEDS);
  const after = await memoryAfter(1 + WARM_UP_SEEDS, SEEDS);
  expect(after - before).toBeLessThan(GROWTH_MIB_MAX);
});
