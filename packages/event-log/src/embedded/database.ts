/** The SQLite file of the embedded log: its pragmas and tables. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '@tokenledger/domain';

/** Raised when the tables change. */
const FORMAT_VERSION = 1;
/** Pages in the write-ahead log after which SQLite copies them into the database: 4 MB. */
const WAL_CHECKPOINT_PAGES = 1_000;
/** A reader that lags makes the write-ahead log grow; it is cut back to this size afterwards. */
const WAL_BYTES_KEPT = 64 * 1024 * 1024;

/** A record's `id` is its partition's `first_id` plus its offset: one integer key, one B-tree, appends at the end of each partition's stretch.
 *  `key` and `headers` stand before `value`, so that compaction reads keys without the pages that values overflow to. */
const TABLES = `
  CREATE TABLE topics (topic TEXT PRIMARY KEY, cleanup TEXT NOT NULL, retention_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE partitions (slot INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, log_partition INTEGER NOT NULL,
    start_offset INTEGER NOT NULL, cleaned_offset INTEGER NOT NULL, UNIQUE (topic, log_partition));
  CREATE TABLE records (id INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL, key TEXT, headers TEXT, value BLOB);
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
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const path = join(options.directory, 'log.db');
  if (options.readOnly && !existsSync(path)) {
    throw new AppError(
      'LOG_MISSING',
      `There is no event log in ${options.directory}: start \`tokenledger up\` on it first, or correct the directory.`,
    );
  }
  const database = new DatabaseSync(path, { readOnly: options.readOnly, timeout: 0 });
  if (options.readOnly) {
    // A reader meets the writer only while a write-ahead log is recovered or reset: short.
    database.exec('PRAGMA busy_timeout = 1000');
  } else {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous};
      PRAGMA wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
  }
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version === 0 && !options.readOnly) database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`);
  else if (version !== FORMAT_VERSION) {
    database.close();
    throw new AppError(
      'LOG_FORMAT',
      `The event log in ${options.directory} has format ${version}, this version reads ${FORMAT_VERSION}: run the version that wrote it, or choose another data directory.`,
    );
  }
  return database;
}

export function makeDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
}
