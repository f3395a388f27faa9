/** Forms batches: what has come in when the linger is over or a limit is reached. Nothing is read ahead of the batch in hand. */
import type { LogRecord, OwnedPartition } from '../port.ts';
import { recordBytes } from '../record-size.ts';
import type { Retry } from './retry.ts';
import { persist } from './retry.ts';

/** How long one poll waits for a first record. */
export const IDLE_WAIT_MS = 1_000;

export interface BatchLimits {
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  readonly lingerMs: number;
}

/** At most `batchRecordsMax` records, and no further poll once `batchBytesMax` are reached. `[]` when none came within `idleWaitMs`, or ownership was lost. */
export async function gatherBatch(
  retry: Retry,
  owned: OwnedPartition,
  limits: BatchLimits,
  idleWaitMs: number = IDLE_WAIT_MS,
): Promise<readonly LogRecord[]> {
  const batch: LogRecord[] = [];
  let bytes = 0;
  let deadlineMs = 0;
  for (;;) {
    const waitMs = batch.length === 0 ? idleWaitMs : deadlineMs - retry.pacing.nowMs();
    const records = await persist(retry, () =>
      owned.poll({
        recordsMax: limits.batchRecordsMax - batch.length,
        bytesMax: limits.batchBytesMax - bytes,
        waitMs: Math.max(0, waitMs),
      }),
    );
    if (owned.signal.aborted) return [];
    if (records.length === 0) return batch;
    if (batch.length === 0) deadlineMs = retry.pacing.nowMs() + limits.lingerMs;
    for (const record of records) {
      batch.push(record);
      bytes += recordBytes(record);
    }
    if (batch.length >= limits.batchRecordsMax || bytes >= limits.batchBytesMax || retry.pacing.nowMs() >= deadlineMs) return batch;
  }
}

/** The records from the read position up to `to`, whatever the limits: a batch that was in hand before. `[]` when ownership was lost. */
export async function gatherUpTo(retry: Retry, owned: OwnedPartition, to: number): Promise<readonly LogRecord[]> {
  const batch: LogRecord[] = [];
  let next = 0;
  while (next < to) {
    const records = await persist(retry, () =>
      owned.poll({ recordsMax: Math.max(1, to - next), bytesMax: Number.MAX_SAFE_INTEGER, waitMs: IDLE_WAIT_MS }),
    );
    if (owned.signal.aborted) return [];
    batch.push(...records.filter((record) => record.offset < to));
    next = (records.at(-1)?.offset ?? next - 1) + 1;
  }
  owned.seek(to);
  return batch;
}
