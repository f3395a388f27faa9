/** Runs seeds on all cores, a few at a time, so that no core is left with a long rest. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { added, NO_RUNS, type Range, type RangeReport } from './run-range.ts';

const SEEDS_AT_A_TIME = 10;

export interface ParallelRange extends Pick<Range, 'from' | 'seeds'> {
  /** Ends it after the parts in hand. */
  readonly signal?: AbortSignal;
}

/** `onReport`: what is known so far, after each part. */
export async function runParallel(
  { from, seeds, signal }: ParallelRange,
  onReport: (sum: RangeReport) => void = () => undefined,
): Promise<RangeReport> {
  let next = from;
  let sum = NO_RUNS;
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('range-worker.ts', import.meta.url));
    try {
      while (next < from + seeds && signal?.aborted !== true) {
        const part: Range = { from: next, seeds: Math.min(SEEDS_AT_A_TIME, from + seeds - next) };
        next += part.seeds;
        const report = await answerOf(worker, part);
        sum = added(sum, report);
        onReport(sum);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return sum;
}

function answerOf(worker: Worker, range: Range): Promise<RangeReport> {
  return new Promise((resolve, reject) => {
    const onMessage = (report: RangeReport): void => {
      worker.off('error', reject);
      resolve(report);
    };
    worker.once('message', onMessage);
    worker.once('error', reject);
    worker.postMessage(range);
  });
}
