/** Groups the writes of a few milliseconds into one transaction: a commit costs as much as several records. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';
import { isDatabaseError, logUnavailable } from './database.ts';

/** A write inside the group's transaction. `apply` throws an `AppError` to fail alone, anything else to fail the whole group. */
interface Write {
  readonly records: number;
  readonly apply: () => () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitLimits {
  /** How long the first write of a group waits for others. */
  readonly groupMs: number;
  /** Records at which a group is written at once: bounds the queue and the time one transaction holds the event loop. */
  readonly groupRecordsMax: number;
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #limits: GroupCommitLimits;
  readonly #onRollback: () => void;
  #queue: Write[] = [];
  #queuedRecords = 0;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(database: DatabaseSync, limits: GroupCommitLimits, onRollback: () => void) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#limits = limits;
    this.#onRollback = onRollback;
  }

  /** `apply` runs inside the transaction and returns what to do once it is committed, with the result. */
  write<Result>(records: number, apply: () => { readonly result: Result; readonly committed: () => void }): Promise<Result> {
    if (this.#closed) return Promise.reject(logClosed());
    return new Promise((resolve, reject) => {
      this.#queue.push({
        records,
        reject,
        apply: () => {
          const { result, committed } = apply();
          return () => {
            committed();
            resolve(result);
          };
        },
      });
      this.#queuedRecords += records;
      if (this.#queuedRecords >= this.#limits.groupRecordsMax) this.flush();
      else this.#timer ??= setTimeout(() => this.flush(), this.#limits.groupMs);
    });
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const writes = this.#queue;
    this.#queue = [];
    this.#queuedRecords = 0;
    if (writes.length === 0) return;
    const committed: (() => void)[] = [];
    try {
      this.#transaction(() => {
        for (const write of writes) {
          try {
            committed.push(write.apply());
          } catch (error) {
            if (!(error instanceof AppError)) throw error;
            write.reject(error);
          }
        }
      });
    } catch (error) {
      for (const write of writes) write.reject(error);
      return;
    }
    for (const done of committed) done();
  }

  /** A transaction of its own, at once, after what is queued: topics, expiry, compaction. Throws `LOG_UNAVAILABLE`. */
  now<Result>(work: () => Result): Result {
    if (this.#closed) throw logClosed();
    this.flush();
    return this.#transaction(work);
  }

  #transaction<Result>(work: () => Result): Result {
    try {
      this.#begin.run();
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#onRollback();
      throw isDatabaseError(error) ? logUnavailable('write', error) : error;
    }
  }

  close(): void {
    this.flush();
    this.#closed = true;
  }
}

export function logClosed(): AppError {
  return new AppError('LOG_CLOSED', 'The event log is closed: stop what uses it first.');
}
