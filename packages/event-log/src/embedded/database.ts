/** The SQLite file of the embedded log: its pragmas and tables. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';

/** Raised when the tables change. */
const FORMAT_VERSION = 1;
/** Of a new file. (Measured: 60 records of 1 KB in one transaction cost 5.1 µs of CPU a record with pages of 4 KiB, 3.3 with these, 3.2 with 32 KiB.) */
const PAGE_BYTES = 16_384;
/** Pages in the write-ahead log after which SQLite copies them into the database: 4 MB. */
const WAL_CHECKPOINT_PAGES = 250;
/** A reader that lags makes the write-ahead log grow; it is cut back to this size afterwards. */
const WAL_BYTES_KEPT = 64 * 1024 * 1024;
/** How long a process that only reads waits while the owner's write-ahead log is recovered or reset. */
const READER_BUSY_MS = 1_000;

/** Records of a topic stand in a table of their own (see `record-table.ts`). `slot` is never given twice, so that nothing of a deleted topic is taken for its successor's. */
const TABLES = `
  CREATE TABLE topics (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL UNIQUE, cleanup TEXT NOT NULL, retention_ms INTEGER NOT NULL, cleaned_id INTEGER NOT NULL);
  CREATE TABLE partitions (slot INTEGER PRIMARY KEY AUTOINCREMENT, topic_id INTEGER NOT NULL, log_partition INTEGER NOT NULL, start_offset INTEGER NOT NULL,
    UNIQUE (topic_id, log_partition));
  CREATE TABLE landmarks (slot INTEGER NOT NULL, log_offset INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (slot, log_offset)) WITHOUT ROWID;
  CREATE TABLE committed_offsets (consumer_group TEXT NOT NULL, topic TEXT NOT NULL, log_partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL, metadata TEXT NOT NULL, PRIMARY KEY (consumer_group, topic, log_partition)) WITHOUT ROWID;
  PRAGMA user_version = ${FORMAT_VERSION};`;

export interface DatabaseOptions {
  readonly directory: string;
  readonly readOnly: boolean;
  /** `normal` survives the death of the process; `full` also that of the machine, for one sync per group of sends. */
  readonly synchronous: 'normal' | 'full';
}

/** Throws `LOG_MISSING` (reading only), `LOG_FORMAT`. */
export function openDatabase({ directory, readOnly, synchronous }: DatabaseOptions): DatabaseSync {
  const path = join(directory, 'log.db');
  if (readOnly && !existsSync(path)) throw logMissing(directory);
  const database = new DatabaseSync(path, { readOnly, timeout: readOnly ? READER_BUSY_MS : 0 });
  if (!readOnly) {
    // The first pragma is ignored by a file that is there.
    database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
      PRAGMA wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
  }
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version === FORMAT_VERSION) return database;
  if (version === 0 && !readOnly) {
    database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`);
    return database;
  }
  database.close();
  if (version === 0) throw logMissing(directory);
  throw new AppError(
    'LOG_FORMAT',
    `The event log in ${directory} has format ${version}, this version reads ${FORMAT_VERSION}: run the version that wrote it, or choose another data directory.`,
  );
}

function logMissing(directory: string): AppError {
  return new AppError(
    'LOG_MISSING',
    `There is no event log in ${directory}: start \`tokenledger up\` on it first, or correct the directory.`,
  );
}

/** Whether SQLite failed: a full disk, a lock that somebody else holds, a damaged file. Anything else that is thrown is a bug. */
export function isDatabaseError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

export function logUnavailable(what: 'read' | 'write', error: Error): AppError {
  return new AppError(
    'LOG_UNAVAILABLE',
    `The event log could not ${what}: ${error.message}. Check its disk, and that nobody else holds it.`,
    { retryable: true, cause: error },
  );
}
