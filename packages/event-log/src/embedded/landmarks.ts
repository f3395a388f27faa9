/** Where in its topic's table a partition's records stand: sparse, since records of all partitions stand in the order in which they came. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A landmark is set at a partition's record once this many of its records, or this many ids of the whole table, lie behind the last one.
 *  So whoever starts at a landmark meets every record up to the next one within `LANDMARK_IDS` ids. */
const LANDMARK_RECORDS = 256;
export const LANDMARK_IDS = 4_096;

export interface Landmark {
  readonly offset: number;
  readonly id: number;
}

/** Before the first record of a partition. */
export const NO_LANDMARK: Landmark = { offset: Number.NEGATIVE_INFINITY, id: Number.NEGATIVE_INFINITY };

export class Landmarks {
  readonly #add: StatementSync;
  readonly #atOrBelow: StatementSync;
  readonly #above: StatementSync;
  readonly #prune: StatementSync;
  readonly #lastId: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare('INSERT INTO landmarks (slot, log_offset, id) VALUES (?, ?, ?)');
    this.#atOrBelow = database.prepare(
      'SELECT log_offset, id FROM landmarks WHERE slot = ? AND log_offset <= ? ORDER BY log_offset DESC LIMIT 1',
    );
    this.#above = database.prepare('SELECT log_offset, id FROM landmarks WHERE slot = ? AND log_offset > ? ORDER BY log_offset LIMIT 1');
    this.#prune = database.prepare('DELETE FROM landmarks WHERE slot = ? AND log_offset < ?');
    this.#lastId = database.prepare('SELECT max(id) AS last FROM landmarks WHERE slot IN (SELECT slot FROM partitions WHERE topic_id = ?)');
  }

  isDue(last: Landmark, offset: number, id: number): boolean {
    return offset - last.offset >= LANDMARK_RECORDS || id - last.id >= LANDMARK_IDS;
  }

  add(slot: number, { offset, id }: Landmark): void {
    this.#add.run(slot, offset, id);
  }

  atOrBelow(slot: number, offset: number): Landmark | null {
    return toLandmark(this.#atOrBelow.get(slot, offset));
  }

  above(slot: number, offset: number): Landmark | null {
    return toLandmark(this.#above.get(slot, offset));
  }

  /** The highest id of a topic's landmarks; 0 when there are none. */
  lastId(topicId: number): number {
    return Number(this.#lastId.get(topicId)?.['last'] ?? 0);
  }

  /** Keeps the last one at or below `start`: reading begins there. */
  prune(slot: number, start: number): void {
    const kept = this.atOrBelow(slot, start);
    if (kept !== null) this.#prune.run(slot, kept.offset);
  }
}

function toLandmark(row: ReturnType<StatementSync['get']>): Landmark | null {
  return row === undefined ? null : { offset: Number(row['log_offset']), id: Number(row['id']) };
}
