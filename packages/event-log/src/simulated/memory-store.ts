/** Topics, records and committed offsets in memory. */
import { AppError } from '@tokenledger/domain';
import { offsetOutOfRange, partitionMissing, topicMissing, topicShrinks } from '../local/backend.ts';
import type { CommittedOffset, LogRecord, OffsetRange, OutgoingRecord, PollLimits, TopicSpec } from '../port.ts';
import { recordBytes } from '../record-size.ts';

interface MemoryTopic {
  spec: TopicSpec;
  readonly partitions: MemoryPartition[];
}

export interface MemoryPartition {
  records: LogRecord[];
  start: number;
  end: number;
}

export class MemoryStore {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #committed = new Map<string, CommittedOffset>();

  /** Throws `TOPIC_MISMATCH`. */
  createTopic(spec: TopicSpec): void {
    const found = this.#topics.get(spec.topic)?.spec;
    if (found !== undefined && (found.partitions !== spec.partitions || found.cleanup !== spec.cleanup)) {
      throw new AppError(
        'TOPIC_MISMATCH',
        `Topic ${spec.topic} has ${found.partitions} partitions and cleanup by ${found.cleanup}: correct the setting, or recreate the topic.`,
      );
    }
    if (found === undefined)
      this.#topics.set(spec.topic, {
        spec,
        partitions: Array.from({ length: spec.partitions }, emptyPartition),
      });
  }

  /** Throws `TOPIC_MISSING`, `TOPIC_MISMATCH`. */
  growTopic(topic: string, partitions: number): void {
    const grown = this.topic(topic);
    if (partitions < grown.partitions.length) throw topicShrinks(topic, grown.partitions.length, partitions);
    while (grown.partitions.length < partitions) grown.partitions.push(emptyPartition());
    grown.spec = { ...grown.spec, partitions };
  }

  deleteTopic(topic: string): void {
    this.topic(topic);
    this.#topics.delete(topic);
    for (const key of this.#committed.keys()) if (JSON.parse(key)[1] === topic) this.#committed.delete(key);
  }

  find(topic: string): MemoryTopic | undefined {
    return this.#topics.get(topic);
  }

  /** Throws `TOPIC_MISSING`. */
  topic(topic: string): MemoryTopic {
    const found = this.#topics.get(topic);
    if (found === undefined) throw topicMissing(topic);
    return found;
  }

  /** Throws `TOPIC_MISSING`, `PARTITION_MISSING`. */
  partition(topic: string, partition: number): MemoryPartition {
    const { partitions } = this.topic(topic);
    const found = partitions[partition];
    if (found === undefined) throw partitionMissing(topic, partition, partitions.length);
    return found;
  }

  /** Copies the bytes, as a network would. Returns the offset of the first record. */
  append(topic: string, partition: number, records: readonly OutgoingRecord[], timestampMs: number): number {
    const stored = this.partition(topic, partition);
    const baseOffset = stored.end;
    for (const { key, value, headers } of records) {
      stored.records.push({
        topic,
        partition,
        offset: stored.end,
        key,
        value: value === null ? null : new Uint8Array(value),
        headers: { ...headers },
        timestampMs,
      });
      stored.end += 1;
    }
    return baseOffset;
  }

  /** Throws `OFFSET_OUT_OF_RANGE`. */
  read(topic: string, partition: number, offset: number, limits: PollLimits): readonly LogRecord[] {
    const { records, start, end } = this.partition(topic, partition);
    if (offset < start || offset > end) throw offsetOutOfRange(topic, partition, offset, { start, end });
    const from = firstAtOrAfter(records, offset);
    let bytes = 0;
    let to = from;
    while (to < records.length && to - from < limits.recordsMax && (to === from || bytes < limits.bytesMax)) {
      const record = records[to];
      if (record !== undefined) bytes += recordBytes(record);
      to += 1;
    }
    return records.slice(from, to);
  }

  range(topic: string, partition: number): OffsetRange {
    const { start, end } = this.partition(topic, partition);
    return { start, end };
  }

  /** Drops what is below `offset`, as expiry does. */
  deleteRecords(topic: string, partition: number, offset: number): void {
    const stored = this.partition(topic, partition);
    stored.start = Math.min(Math.max(stored.start, offset), stored.end);
    stored.records = stored.records.filter((record) => record.offset >= stored.start);
  }

  /** Loses what is at `end` and beyond, as a replica that was behind does when it takes over. */
  truncate(topic: string, partition: number, end: number): void {
    const stored = this.partition(topic, partition);
    stored.records = stored.records.filter((record) => record.offset < end);
    stored.end = Math.min(stored.end, end);
    stored.start = Math.min(stored.start, stored.end);
  }

  /** Keeps the last record of each key, and the last of each partition. */
  compact(topic: string): void {
    for (const stored of this.topic(topic).partitions) {
      const newest = new Map(stored.records.map((record) => [record.key, record.offset]));
      stored.records = stored.records.filter((record) => record.key === null || newest.get(record.key) === record.offset);
    }
  }

  committed(group: string, topic: string, partition: number): CommittedOffset | null {
    this.partition(topic, partition);
    return this.#committed.get(JSON.stringify([group, topic, partition])) ?? null;
  }

  /** By partition; throws `TOPIC_MISSING`. */
  committedOffsets(group: string, topic: string): ReadonlyMap<number, CommittedOffset> {
    const found = new Map<number, CommittedOffset>();
    for (const partition of this.topic(topic).partitions.keys()) {
      const committed = this.committed(group, topic, partition);
      if (committed !== null) found.set(partition, committed);
    }
    return found;
  }

  commit(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    this.partition(topic, partition);
    this.#committed.set(JSON.stringify([group, topic, partition]), committed);
  }
}

function emptyPartition(): MemoryPartition {
  return { records: [], start: 0, end: 0 };
}

function firstAtOrAfter(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.offset ?? offset) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
