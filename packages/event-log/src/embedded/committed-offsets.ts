/** What groups have committed. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CommittedOffset } from '../port.ts';

export class CommittedOffsets {
  readonly #read: StatementSync;
  readonly #readAll: StatementSync;
  readonly #write: StatementSync;
  readonly #deleteTopic: StatementSync;

  constructor(database: DatabaseSync) {
    this.#read = database.prepare(
      'SELECT next_offset, metadata FROM committed_offsets WHERE consumer_group = ? AND topic = ? AND log_partition = ?',
    );
    this.#readAll = database.prepare(
      'SELECT log_partition, next_offset, metadata FROM committed_offsets WHERE consumer_group = ? AND topic = ? ORDER BY log_partition',
    );
    this.#write = database.prepare(
      'INSERT OR REPLACE INTO committed_offsets (consumer_group, topic, log_partition, next_offset, metadata) VALUES (?, ?, ?, ?, ?)',
    );
    this.#deleteTopic = database.prepare('DELETE FROM committed_offsets WHERE topic = ?');
  }

  read(group: string, topic: string, partition: number): CommittedOffset | null {
    const row = this.#read.get(group, topic, partition);
    return row === undefined ? null : { offset: Number(row['next_offset']), metadata: String(row['metadata']) };
  }

  readAll(group: string, topic: string): ReadonlyMap<number, CommittedOffset> {
    return new Map(
      this.#readAll
        .all(group, topic)
        .map((row) => [Number(row['log_partition']), { offset: Number(row['next_offset']), metadata: String(row['metadata']) }]),
    );
  }

  write(group: string, topic: string, partition: number, { offset, metadata }: CommittedOffset): void {
    this.#write.run(group, topic, partition, offset, metadata);
  }

  deleteTopic(topic: string): void {
    this.#deleteTopic.run(topic);
  }
}
