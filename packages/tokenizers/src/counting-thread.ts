/** What a counting thread runs: one batch at a time. A part that fails leaves the others their counts. */
import { type BatchedPart, type CountBatch, type CountedBatch, sharedNowMs } from './count-batch.ts';
import { notCounted, type PartCount } from './count.ts';
import { countPart } from './count-part.ts';

export default async function countBatch({ bytes, parts }: CountBatch): Promise<CountedBatch> {
  const counts: PartCount[] = [];
  for (const part of parts) counts.push(await countBatched(part, bytes.subarray(part.start, part.end)));
  return { counts, cpuUs: cpuSinceLast() };
}

let reportedUs = 0;

/** Of the whole thread, messages included: over so short a time as a batch takes, the system's own count is too coarse. */
function cpuSinceLast(): number {
  const { user, system } = process.threadCpuUsage();
  const since = user + system - reportedUs;
  reportedUs += since;
  return since;
}

async function countBatched(part: BatchedPart, body: Uint8Array): Promise<PartCount> {
  const isOver = (): boolean => sharedNowMs() >= part.deadlineMs;
  if (isOver()) return notCounted('overload');
  try {
    return await countPart({ ...part, body }, isOver);
  } catch {
    // The message may quote the text: it stays here, and the reason says that it failed.
    return notCounted('count_failed');
  }
}
