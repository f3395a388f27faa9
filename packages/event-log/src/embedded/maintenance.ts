/** Expiry by time and compaction, in slices that are each one short transaction, so that the event loop is never held for long. */
import type { GroupCommit } from './group-commit.ts';
import type { RecordStore, StoredKey, StoredPartition } from './record-store.ts';

export interface MaintenanceLimits {
  /** Records that one slice looks at or removes. */
  readonly sliceRecordsMax: number;
  /** Keys that one compaction pass remembers: what is beyond waits for the next pass. */
  readonly compactionKeysMax: number;
  /** A compacted partition is cleaned once this share of its records is new since the last pass. */
  readonly dirtyShareMin: number;
  /** How long a tombstone stays, so that every reader can see it, in milliseconds. */
  readonly tombstoneRetentionMs: number;
}

export interface MaintenanceContext {
  readonly store: RecordStore;
  readonly groupCommit: GroupCommit;
  readonly limits: MaintenanceLimits;
  readonly nowMs: () => number;
}

/** One pass over all partitions; each step of the iterator is one slice. `force` compacts partitions that are hardly dirty, too. */
export function* maintenancePass(context: MaintenanceContext, force: boolean): Generator<void> {
  for (const { spec, partitions } of Array.from(context.store.topics.values())) {
    for (const partition of partitions) {
      if (spec.cleanup === 'time') yield* expire(context, partition, context.nowMs() - spec.retentionMs);
      else if (partition.end > partition.cleaned && (force || isDirty(context, partition))) yield* compact(context, partition);
    }
  }
}

function isDirty({ limits }: MaintenanceContext, partition: StoredPartition): boolean {
  return (partition.end - partition.cleaned) / (partition.end - partition.start) >= limits.dirtyShareMin;
}

/** Removes records from the front as long as they are older than `beforeMs`. */
function* expire({ store, groupCommit, limits }: MaintenanceContext, partition: StoredPartition, beforeMs: number): Generator<void> {
  for (;;) {
    const oldest = store.keys(partition, partition.start, partition.end, limits.sliceRecordsMax);
    const kept = oldest.findIndex((record) => record.timestampMs >= beforeMs);
    const expired = kept === -1 ? oldest.length : kept;
    if (expired === 0) return;
    const start = (oldest[expired - 1]?.offset ?? 0) + 1;
    groupCommit.now(() => store.removeBelow(partition, start));
    partition.start = start;
    yield;
    if (kept !== -1) return;
  }
}

/** Keeps the last record of every key, as Kafka's log cleaner does: learn the newest offset of each key in the dirty part, then walk from the start and remove what it outdates.
 *  The partition's last record always stays: the end of the log follows from it. */
function* compact({ store, groupCommit, limits, nowMs }: MaintenanceContext, partition: StoredPartition): Generator<void> {
  const newest = new Map<string, number>();
  let learned = partition.cleaned;
  const end = partition.end;
  while (learned < end && newest.size < limits.compactionKeysMax) {
    const slice = store.keys(partition, learned, end, limits.sliceRecordsMax);
    for (const record of slice) if (record.key !== null) newest.set(record.key, record.offset);
    learned = slice.length < limits.sliceRecordsMax ? end : (slice.at(-1)?.offset ?? end) + 1;
    yield;
  }
  const tombstonesBeforeMs = nowMs() - limits.tombstoneRetentionMs;
  const outdated = (record: StoredKey): boolean =>
    record.offset < end - 1 &&
    record.key !== null &&
    ((newest.get(record.key) ?? -1) > record.offset || (record.tombstone && record.timestampMs < tombstonesBeforeMs));
  let position = partition.start;
  while (position < learned) {
    const slice = store.keys(partition, position, learned, limits.sliceRecordsMax);
    const removed = slice.filter(outdated);
    if (removed.length > 0) groupCommit.now(() => removed.forEach((record) => store.remove(partition, record.offset)));
    position = slice.length < limits.sliceRecordsMax ? learned : (slice.at(-1)?.offset ?? learned) + 1;
    yield;
  }
  groupCommit.now(() => store.setCleaned(partition, learned));
  partition.cleaned = learned;
}
