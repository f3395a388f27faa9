/** Topics, records and committed offsets in SQLite, behind prepared statements. Every call is synchronous; transactions are the caller's. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { invariant } from '@tokenledger/domain';
import { offsetOutOfRange, partitionMissing, topicMissing } from '../local/backend.ts';
import type { CommittedOffset, Headers, LogRecord, OffsetRange, OutgoingRecord, PollLimits, TopicSpec } from '../port.ts';
import { recordBytes } from '../record-size.ts';

/** Offsets per partition: 2^36. Leaves 2^17 partitions below the largest safe integer. */
const OFFSETS_PER_PARTITION = 2 ** 36;

export interface StoredTopic {
  readonly spec: TopicSpec;
  readonly partitions: readonly StoredPartition[];
}

export interface StoredPartition {
  readonly topic: string;
  readonly partition: number;
  /** Never given twice, so that what belongs to a deleted topic is never taken for its successor's. */
  readonly slot: number;
  /** The id of the record at offset 0. */
  readonly firstId: number;
  start: number;
  end: number;
  /** The next offset inside the transaction under way; equals `end` outside. */
  staged: number;
  /** Below this offset every key occurs once: compaction goes on here. */
  cleaned: number;
}

export interface StoredKey {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly tombstone: boolean;
}

export class RecordStore {
  readonly topics = new Map<string, StoredTopic>();
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #dataVersion: SQLOutputValue | undefined;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO records (id, timestamp_ms, key, headers, value) VALUES (?, ?, ?, ?, ?)');
    this.#read = database.prepare('SELECT id, timestamp_ms, key, headers, value FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?');
    this.#read.setReturnArrays(true);
    this.load();
  }

  /** Reads topics and partitions: at start, after a change, and in a process that only reads. What is known already stays the same object. */
  load(): void {
    const names = new Set<string>();
    for (const row of this.#all('SELECT topic, cleanup, retention_ms FROM topics')) {
      const topic = String(row['topic']);
      names.add(topic);
      const known = this.topics.get(topic)?.partitions;
      const partitions = this.#all(
        'SELECT slot, log_partition, start_offset, cleaned_offset FROM partitions WHERE topic = ? ORDER BY log_partition',
        topic,
      ).map((stored, index) => {
        const slot = Number(stored['slot']);
        const before = known?.[index];
        const partition =
          before?.slot === slot
            ? before
            : { topic, partition: index, slot, firstId: slot * OFFSETS_PER_PARTITION, start: 0, end: 0, staged: 0, cleaned: 0 };
        partition.start = Number(stored['start_offset']);
        partition.cleaned = Number(stored['cleaned_offset']);
        this.#refreshEnd(partition);
        return partition;
      });
      const cleanup = row['cleanup'] === 'compact' ? 'compact' : 'time';
      this.topics.set(topic, {
        spec: { topic, partitions: partitions.length, cleanup, retentionMs: Number(row['retention_ms']) },
        partitions,
      });
    }
    for (const topic of this.topics.keys()) if (!names.has(topic)) this.topics.delete(topic);
  }

  /** `load`, unless nothing was written by the process that owns the log since the last time. */
  refresh(): void {
    const version = this.#get('PRAGMA data_version')?.['data_version'];
    if (version !== this.#dataVersion) this.load();
    this.#dataVersion = version;
  }

  /** The last record is never compacted away and expiry moves `start`: so the end follows from what is there. */
  #refreshEnd(partition: StoredPartition): void {
    const last = this.#get(
      'SELECT max(id) AS id FROM records WHERE id >= ? AND id < ?',
      partition.firstId,
      partition.firstId + OFFSETS_PER_PARTITION,
    )?.['id'];
    partition.end = typeof last === 'number' ? last - partition.firstId + 1 : partition.start;
    partition.staged = partition.end;
  }

  createTopic(spec: TopicSpec): void {
    this.#run('INSERT INTO topics (topic, cleanup, retention_ms) VALUES (?, ?, ?)', spec.topic, spec.cleanup, spec.retentionMs);
    for (let partition = 0; partition < spec.partitions; partition += 1) {
      this.#run('INSERT INTO partitions (topic, log_partition, start_offset, cleaned_offset) VALUES (?, ?, 0, 0)', spec.topic, partition);
    }
  }

  deleteTopic(topic: string): void {
    for (const partition of this.topic(topic).partitions)
      this.#run('DELETE FROM records WHERE id >= ? AND id < ?', partition.firstId, partition.firstId + OFFSETS_PER_PARTITION);
    this.#run('DELETE FROM partitions WHERE topic = ?', topic);
    this.#run('DELETE FROM committed_offsets WHERE topic = ?', topic);
    this.#run('DELETE FROM topics WHERE topic = ?', topic);
  }

  /** Throws `TOPIC_MISSING`. */
  topic(topic: string): StoredTopic {
    const stored = this.topics.get(topic);
    if (stored === undefined) throw topicMissing(topic);
    return stored;
  }

  /** Throws `TOPIC_MISSING`, `PARTITION_MISSING`. */
  partition(topic: string, partition: number): StoredPartition {
    const { partitions } = this.topic(topic);
    const stored = partitions[partition];
    if (stored === undefined) throw partitionMissing(topic, partition, partitions.length);
    return stored;
  }

  /** Returns the offset of the first record. */
  append(partition: StoredPartition, timestampMs: number, records: readonly OutgoingRecord[]): number {
    const baseOffset = partition.staged;
    invariant(baseOffset + records.length < OFFSETS_PER_PARTITION, `${partition.topic}/${partition.partition} has no offsets left`);
    let id = partition.firstId + baseOffset;
    for (const record of records) {
      this.#insert.run(id, timestampMs, record.key, encodeHeaders(record.headers), record.value);
      id += 1;
    }
    partition.staged += records.length;
    return baseOffset;
  }

  /** After a transaction that was rolled back. */
  unstage(): void {
    for (const { partitions } of this.topics.values()) for (const partition of partitions) partition.staged = partition.end;
  }

  /** Records from `offset` on: at most `recordsMax`, and no further one once `bytesMax` are reached. Throws `OFFSET_OUT_OF_RANGE`. */
  read(partition: StoredPartition, offset: number, limits: PollLimits): LogRecord[] {
    if (offset < partition.start || offset > partition.end) throw offsetOutOfRange(partition.topic, partition.partition, offset, partition);
    const records: LogRecord[] = [];
    if (offset === partition.end) return records;
    let bytes = 0;
    const { topic, partition: number, firstId } = partition;
    // Arrays, not objects: `setReturnArrays` above; the types do not know.
    for (const row of this.#read.iterate(firstId + offset, firstId + partition.end, limits.recordsMax) as Iterable<unknown> as Iterable<
      readonly SQLOutputValue[]
    >) {
      const record = toRecord(topic, number, firstId, row);
      records.push(record);
      bytes += recordBytes(record);
      if (bytes >= limits.bytesMax) break;
    }
    return records;
  }

  /** Keys of at most `count` records in `[from, to)`. */
  keys(partition: StoredPartition, from: number, to: number, count: number): StoredKey[] {
    return this.#all(
      'SELECT id, timestamp_ms, key, value IS NULL AS tombstone FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
      partition.firstId + from,
      partition.firstId + to,
      count,
    ).map((row) => ({
      offset: Number(row['id']) - partition.firstId,
      timestampMs: Number(row['timestamp_ms']),
      key: typeof row['key'] === 'string' ? row['key'] : null,
      tombstone: row['tombstone'] === 1,
    }));
  }

  remove(partition: StoredPartition, offset: number): void {
    this.#run('DELETE FROM records WHERE id = ?', partition.firstId + offset);
  }

  removeBelow(partition: StoredPartition, offset: number): void {
    this.#run('DELETE FROM records WHERE id >= ? AND id < ?', partition.firstId + partition.start, partition.firstId + offset);
    this.#run('UPDATE partitions SET start_offset = ? WHERE slot = ?', offset, partition.slot);
  }

  setCleaned(partition: StoredPartition, offset: number): void {
    this.#run('UPDATE partitions SET cleaned_offset = ? WHERE slot = ?', offset, partition.slot);
  }

  committed(group: string, topic: string, partition: number): CommittedOffset | null {
    const row = this.#get(
      'SELECT next_offset, metadata FROM committed_offsets WHERE consumer_group = ? AND topic = ? AND log_partition = ?',
      group,
      topic,
      partition,
    );
    return row === undefined ? null : { offset: Number(row['next_offset']), metadata: String(row['metadata']) };
  }

  commit(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    this.#run(
      'INSERT OR REPLACE INTO committed_offsets (consumer_group, topic, log_partition, next_offset, metadata) VALUES (?, ?, ?, ?, ?)',
      group,
      topic,
      partition,
      committed.offset,
      committed.metadata,
    );
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }

  #get(sql: string, ...values: readonly SQLInputValue[]): Record<string, SQLOutputValue> | undefined {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: readonly SQLInputValue[]): Record<string, SQLOutputValue>[] {
    return this.#statement(sql).all(...values);
  }
}

export function rangeOf(partition: StoredPartition): OffsetRange {
  return { start: partition.start, end: partition.end };
}

const NO_HEADERS: Headers = Object.freeze({});

function encodeHeaders(headers: Headers | undefined): string | null {
  for (const _ in headers) return JSON.stringify(headers);
  return null;
}

function toRecord(topic: string, partition: number, firstId: number, row: readonly SQLOutputValue[]): LogRecord {
  const [id, timestampMs, key, headers, value] = row;
  invariant(typeof id === 'number' && typeof timestampMs === 'number', 'a stored record has an id and a time');
  return {
    topic,
    partition,
    offset: id - firstId,
    key: typeof key === 'string' ? key : null,
    value: value instanceof Uint8Array ? value : null,
    headers: typeof headers === 'string' ? JSON.parse(headers) : NO_HEADERS,
    timestampMs,
  };
}
