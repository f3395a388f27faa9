/** What a log inside one process must offer, so that groups and readers work over it: the embedded and the simulated log do. */
import { AppError } from '@tokenledger/domain';
import type { Pacing } from '../pacing.ts';
import type { CommittedOffset, LogRecord, OffsetRange, PollLimits } from '../port.ts';

export interface LocalBackend {
  readonly pacing: Pacing;
  /** Throws `TOPIC_MISSING`. */
  partitions(topic: string): number;
  range(topic: string, partition: number): Promise<OffsetRange>;
  /** What is there from `offset` on, without waiting. Throws `OFFSET_OUT_OF_RANGE`. */
  read(topic: string, partition: number, offset: number, limits: PollLimits): Promise<readonly LogRecord[]>;
  /** Resolves when the partition may hold a record at `offset` or beyond, after `waitMs`, or when `signal` aborts. */
  appended(topic: string, partition: number, offset: number, waitMs: number, signal: AbortSignal): Promise<void>;
  committed(group: string, topic: string, partition: number): Promise<CommittedOffset | null>;
  /** Throws `OWNERSHIP_LOST` when `mayCommit` says no at the moment of writing. */
  commit(group: string, topic: string, partition: number, committed: CommittedOffset, mayCommit: () => boolean): Promise<void>;
}

/** Reads from `offset`, waiting up to `limits.waitMs` for the first record. `[]` once `signal` has aborted. */
export async function pollFrom(
  backend: LocalBackend,
  topic: string,
  partition: number,
  offset: number,
  limits: PollLimits,
  signal: AbortSignal,
): Promise<readonly LogRecord[]> {
  const deadlineMs = backend.pacing.nowMs() + limits.waitMs;
  for (;;) {
    if (signal.aborted) return [];
    const records = await backend.read(topic, partition, offset, limits);
    if (signal.aborted) return [];
    const leftMs = deadlineMs - backend.pacing.nowMs();
    if (records.length > 0 || leftMs <= 0) return records;
    await backend.appended(topic, partition, offset, leftMs, signal);
  }
}

export function topicMissing(topic: string): AppError {
  return new AppError('TOPIC_MISSING', `Topic ${topic} does not exist: run \`tokenledger migrate\`, or correct the topic prefix.`);
}

export function partitionMissing(topic: string, partition: number, partitions: number): AppError {
  return new AppError(
    'PARTITION_MISSING',
    `Topic ${topic} has no partition ${partition}, only ${partitions}: usage topics need equal partition counts.`,
  );
}

export function offsetOutOfRange(topic: string, partition: number, offset: number, range: OffsetRange): AppError {
  return new AppError(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${offset} of ${topic}/${partition} is outside of what the log keeps, ${range.start} to ${range.end}: nothing resets by itself; set the offset of the group.`,
  );
}

/** A topic can only grow. */
export function topicShrinks(topic: string, partitions: number, wanted: number): AppError {
  return new AppError(
    'TOPIC_MISMATCH',
    `Topic ${topic} has ${partitions} partitions, more than ${wanted}: a topic can only grow; name at least as many.`,
  );
}

export function groupActive(group: string): AppError {
  return new AppError('GROUP_ACTIVE', `The group ${group} has members: stop the role that reads, then set its offset.`);
}

export function ownershipLost(topic: string, partition: number): AppError {
  return new AppError('OWNERSHIP_LOST', `This member does not own ${topic}/${partition} any more.`);
}
