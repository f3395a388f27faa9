/** What a counting thread runs: one batch at a time. A part that fails leaves the others their counts. */
import { COUNT_NUMBERS, type CountBatch, type CountedBatch, PART_NUMBERS, type PartKind, sharedNowMs, writeCount } from './count-batch.ts';
import { notCounted, type PartCount } from './count.ts';
import { countPart } from './count-part.ts';

export default async function countBatch({ bytes, kinds, parts }: CountBatch): Promise<CountedBatch> {
  const length = parts.length / PART_NUMBERS;
  const counts = new Float64Array(length * COUNT_NUMBERS);
  let start = 0;
  for (let index = 0; index < length; index += 1) {
    const [kind = -1, end = 0, deadlineMs = 0] = parts.subarray(index * PART_NUMBERS, (index + 1) * PART_NUMBERS);
    writeCount(counts, index, await counted(kinds[kind], bytes.subarray(start, end), deadlineMs));
    start = end;
  }
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

async function counted(kind: PartKind | undefined, body: Uint8Array, deadlineMs: number): Promise<PartCount> {
  const isOver = (): boolean => sharedNowMs() >= deadlineMs;
  if (kind === undefined) return notCounted('count_failed');
  if (isOver()) return notCounted('overload');
  try {
    return await countPart({ ...kind, body }, isOver);
  } catch {
    // The message may quote the text: it stays here, and the reason says that it failed.
    return notCounted('count_failed');
  }
}
