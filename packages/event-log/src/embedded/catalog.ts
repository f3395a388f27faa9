/** Which topics and partitions there are, and how far they reach: in memory, as SQLite has it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { partitionMissing, topicMissing } from '../local/backend.ts';
import type { TopicSpec } from '../port.ts';
import { Landmarks } from './landmarks.ts';
import type { StoredPartition } from './record-table.ts';
import { EMPTY_TAIL, RecordTable } from './record-table.ts';

export interface StoredTopic {
  readonly id: number;
  spec: TopicSpec;
  readonly table: RecordTable;
  readonly partitions: StoredPartition[];
  /** Below this id every key occurs once: compaction goes on here. */
  cleanedId: number;
}

export class Catalog {
  readonly topics = new Map<string, StoredTopic>();
  readonly landmarks: Landmarks;
  readonly #database: DatabaseSync;
  readonly #readOnly: boolean;
  readonly #dataVersion: StatementSync;
  readonly #setStart: StatementSync;
  readonly #setCleaned: StatementSync;
  #version = -1;

  /** `readOnly`: another process writes; `refresh` shows what. */
  constructor(database: DatabaseSync, readOnly: boolean) {
    this.#database = database;
    this.#readOnly = readOnly;
    this.landmarks = new Landmarks(database);
    this.#dataVersion = database.prepare('PRAGMA data_version');
    this.#setStart = database.prepare('UPDATE partitions SET start_offset = ? WHERE slot = ?');
    this.#setCleaned = database.prepare('UPDATE topics SET cleaned_id = ? WHERE id = ?');
    this.load();
  }

  /** Reads topics and partitions. What is known already stays the same object. */
  load(): void {
    const rows = this.#database.prepare('SELECT id, topic, cleanup, retention_ms, cleaned_id FROM topics').all();
    for (const row of rows) {
      const topic = String(row['topic']);
      const id = Number(row['id']);
      const known = this.topics.get(topic);
      if (known?.id !== id) {
        const table = new RecordTable(this.#database, this.landmarks, id);
        const partitions = this.#loadPartitions(id, topic, table, 0);
        const spec: TopicSpec = {
          topic,
          partitions: partitions.length,
          cleanup: row['cleanup'] === 'compact' ? 'compact' : 'time',
          retentionMs: Number(row['retention_ms']),
        };
        this.topics.set(topic, { id, spec, table, partitions, cleanedId: Number(row['cleaned_id']) });
      } else {
        known.partitions.push(...this.#loadPartitions(id, topic, known.table, known.partitions.length));
        known.spec = { ...known.spec, partitions: known.partitions.length };
        if (this.#readOnly) this.#loadStarts(known);
      }
    }
    const names = new Set(rows.map((row) => String(row['topic'])));
    for (const topic of this.topics.keys()) if (!names.has(topic)) this.topics.delete(topic);
  }

  /** For a process that only reads: `load`, unless the owner of the log wrote nothing since. */
  refresh(): void {
    const version = Number(this.#dataVersion.get()?.['data_version']);
    if (version !== this.#version) this.load();
    this.#version = version;
  }

  createTopic(spec: TopicSpec): void {
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO topics (topic, cleanup, retention_ms, cleaned_id) VALUES (?, ?, ?, 0)')
      .run(spec.topic, spec.cleanup, spec.retentionMs);
    this.#insertPartitions(Number(lastInsertRowid), 0, spec.partitions);
    RecordTable.create(this.#database, Number(lastInsertRowid));
  }

  /** `load` shows them. Throws `TOPIC_MISSING`. */
  growTopic(topic: string, partitions: number): void {
    const stored = this.topic(topic);
    this.#insertPartitions(stored.id, stored.partitions.length, partitions);
  }

  /** Throws `TOPIC_MISSING`. */
  deleteTopic(topic: string): void {
    const { id } = this.topic(topic);
    RecordTable.drop(this.#database, id);
    this.#database.prepare('DELETE FROM landmarks WHERE slot IN (SELECT slot FROM partitions WHERE topic_id = ?)').run(id);
    this.#database.prepare('DELETE FROM partitions WHERE topic_id = ?').run(id);
    this.#database.prepare('DELETE FROM topics WHERE id = ?').run(id);
  }

  /** Throws `TOPIC_MISSING`. */
  topic(topic: string): StoredTopic {
    const stored = this.topics.get(topic);
    if (stored === undefined) throw topicMissing(topic);
    return stored;
  }

  /** Throws `TOPIC_MISSING`, `PARTITION_MISSING`. */
  partition(topic: string, partition: number): StoredPartition {
    const { partitions, table } = this.topic(topic);
    const stored = partitions[partition];
    if (stored === undefined) throw partitionMissing(topic, partition, partitions.length);
    if (this.#readOnly && stored.version !== this.#version) {
      // Ids first: what comes in between is read the next time.
      table.refreshNextId();
      table.refreshTail(stored);
      stored.version = this.#version;
    }
    return stored;
  }

  setStart(partition: StoredPartition, start: number): void {
    this.#setStart.run(start, partition.slot);
    this.landmarks.prune(partition.slot, start);
  }

  setCleaned(topic: StoredTopic, id: number): void {
    this.#setCleaned.run(id, topic.id);
  }

  /** After a transaction that was rolled back. */
  unstage(): void {
    for (const { partitions, table } of this.topics.values()) for (const partition of partitions) table.settle(partition, false);
  }

  #insertPartitions(topicId: number, from: number, to: number): void {
    const insert = this.#database.prepare('INSERT INTO partitions (topic_id, log_partition, start_offset) VALUES (?, ?, 0)');
    for (let partition = from; partition < to; partition += 1) insert.run(topicId, partition);
  }

  #loadPartitions(topicId: number, topic: string, table: RecordTable, from: number): StoredPartition[] {
    const rows = this.#database
      .prepare('SELECT slot, log_partition, start_offset FROM partitions WHERE topic_id = ? AND log_partition >= ? ORDER BY log_partition')
      .all(topicId, from);
    return rows.map((row) => {
      const stored: StoredPartition = {
        topic,
        partition: Number(row['log_partition']),
        slot: Number(row['slot']),
        start: Number(row['start_offset']),
        tail: EMPTY_TAIL,
        staged: EMPTY_TAIL,
        version: -1,
        hints: new Map(),
      };
      table.refreshTail(stored);
      return stored;
    });
  }

  #loadStarts({ id, partitions }: StoredTopic): void {
    const rows = this.#database.prepare('SELECT log_partition, start_offset FROM partitions WHERE topic_id = ?').all(id);
    for (const row of rows) {
      const stored = partitions[Number(row['log_partition'])];
      if (stored !== undefined) stored.start = Number(row['start_offset']);
    }
  }
}
