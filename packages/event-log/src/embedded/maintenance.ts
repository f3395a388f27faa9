/** Expiry by time and compaction, in slices that are each one short transaction, so that the event loop is never held for long. */
import type { Catalog, StoredTopic } from './catalog.ts';
import type { GroupCommit } from './group-commit.ts';
import type { StoredKey } from './record-table.ts';

export interface MaintenanceLimits {
  /** Records that one slice looks at or removes. */
  readonly sliceRecordsMax: number;
  /** Keys that one compaction pass remembers: what is beyond waits for the next pass. */
  readonly compactionKeysMax: number;
  /** A compacted topic is cleaned once this share of its records is new since the last pass. */
  readonly dirtyShareMin: number;
  /** How long a tombstone stays, so that every reader can see it, in milliseconds. */
  readonly tombstoneRetentionMs: number;
}

export interface MaintenanceContext {
  readonly catalog: Catalog;
  readonly groupCommit: GroupCommit;
  readonly limits: MaintenanceLimits;
  readonly nowMs: () => number;
}

/** One pass over all topics; each step of the iterator is one slice. `force` compacts topics that are hardly dirty, too. */
export function* maintenancePass(context: MaintenanceContext, force: boolean): Generator<void> {
  for (const topic of Array.from(context.catalog.topics.values())) {
    if (topic.spec.cleanup === 'time') yield* expire(context, topic, context.nowMs() - topic.spec.retentionMs);
    else if (topic.table.nextId > topic.cleanedId && (force || isDirty(context, topic))) yield* compact(context, topic);
  }
}

function isDirty({ limits }: MaintenanceContext, { table, cleanedId }: StoredTopic): boolean {
  const oldest = table.keys(0, table.nextId, 1)[0]?.id ?? table.nextId;
  return (table.nextId - cleanedId) / (table.nextId - oldest) >= limits.dirtyShareMin;
}

/** Removes records from the front as long as they are older than `beforeMs`, or below the start of their partition. */
function* expire({ catalog, groupCommit, limits }: MaintenanceContext, topic: StoredTopic, beforeMs: number): Generator<void> {
  const { table, partitions } = topic;
  const isExpired = ({ partition, offset, timestampMs }: StoredKey): boolean =>
    timestampMs < beforeMs || offset < (partitions[partition]?.start ?? 0);
  for (;;) {
    const oldest = table.keys(0, table.nextId, limits.sliceRecordsMax);
    const kept = oldest.findIndex((record) => !isExpired(record));
    const expired = kept === -1 ? oldest : oldest.slice(0, kept);
    const last = expired.at(-1);
    if (last === undefined) return;
    // The last record of each partition in the slice decides where the partition starts.
    const starts = new Map(expired.map(({ partition, offset }) => [partition, offset + 1]));
    const moved = partitions.filter(({ partition, start }) => (starts.get(partition) ?? 0) > start);
    groupCommit.now(() => {
      table.removeThrough(last.id);
      for (const partition of moved) catalog.setStart(partition, starts.get(partition.partition) ?? partition.start);
    });
    for (const partition of moved) partition.start = starts.get(partition.partition) ?? partition.start;
    yield;
    if (kept !== -1 || !catalog.topics.has(topic.spec.topic)) return;
  }
}

/** Keeps the last record of every key, as Kafka's log cleaner does: learn the newest id of each key in the dirty part, then walk from the front and remove what it outdates.
 *  The last record of a partition always stays: the partition's end follows from it. */
function* compact({ catalog, groupCommit, limits, nowMs }: MaintenanceContext, topic: StoredTopic): Generator<void> {
  const { table, partitions } = topic;
  const newest = new Map<string, number>();
  const lastOffsets = partitions.map(({ tail }) => tail.end - 1);
  const end = table.nextId;
  let learned = topic.cleanedId;
  while (learned < end && newest.size < limits.compactionKeysMax) {
    const slice = table.keys(learned, end, limits.sliceRecordsMax);
    for (const record of slice) if (record.key !== null) newest.set(keyOf(record), record.id);
    learned = slice.length < limits.sliceRecordsMax ? end : (slice.at(-1)?.id ?? end) + 1;
    yield;
    if (catalog.topics.get(topic.spec.topic) !== topic) return;
  }
  const tombstonesBeforeMs = nowMs() - limits.tombstoneRetentionMs;
  const isOutdated = (record: StoredKey): boolean => {
    if (record.key === null || record.offset === lastOffsets[record.partition]) return false;
    return (newest.get(keyOf(record)) ?? 0) > record.id || (record.tombstone && record.timestampMs < tombstonesBeforeMs);
  };
  for (let position = 0; position < learned;) {
    const slice = table.keys(position, learned, limits.sliceRecordsMax);
    const outdated = slice.filter(isOutdated);
    if (outdated.length > 0) groupCommit.now(() => outdated.forEach((record) => table.remove(record.id)));
    position = slice.length < limits.sliceRecordsMax ? learned : (slice.at(-1)?.id ?? learned) + 1;
    yield;
    if (catalog.topics.get(topic.spec.topic) !== topic) return;
  }
  groupCommit.now(() => catalog.setCleaned(topic, learned));
  topic.cleanedId = learned;
}

function keyOf({ partition, key }: StoredKey): string {
  return `${partition}/${key}`;
}
