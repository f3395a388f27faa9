/** Applies numbered SQL files in order, once each, and remembers them in the database with their checksums.
 *
 *  ClickHouse has no transactions around statements: when one fails, or the process dies, the file counts as not applied and is run again from its
 *  first statement. So every statement must be one that may run twice (`IF NOT EXISTS`, `OR REPLACE`). */
import { AppError } from '@tokenledger/domain';
import type { ClickHouse } from './client.ts';
import { ClickHouseQueryError } from './client-error.ts';
import { type MigrationFile, readMigrationFiles } from './migration-file.ts';
import { quoteName } from './sql/quote.ts';
import { splitStatements } from './sql/split.ts';
import { localDatabase, renderOnCluster, renderStatement, SINGLE_NODE, type Topology } from './topology.ts';

export interface MigrationOptions {
  readonly clickhouse: ClickHouse;
  /** Of the `NNNN_name.sql` files. */
  readonly directory: string;
  readonly topology?: Topology;
  /** Called with a sentence before each migration. */
  readonly log?: (line: string) => void;
}

export interface MigrationState {
  readonly version: number;
  readonly name: string;
  /** `changed`: applied, and edited or renamed since. `unknown`: applied by a newer program. `out_of_order`: not applied, though a later one is. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown' | 'out_of_order';
  /** ISO 8601, UTC; `''` unless applied. */
  readonly appliedAt: string;
}

export interface MigrationReport {
  readonly applied: readonly MigrationState[];
  readonly alreadyApplied: number;
}

interface AppliedRow {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly applied_at: string;
}

/** Every migration of the directory and of the database, by version; changes nothing. Throws `MIGRATION_FILE_INVALID` and what `ClickHouse` throws. */
export async function listMigrations(options: MigrationOptions): Promise<readonly MigrationState[]> {
  return compareMigrations(readMigrationFiles(options.directory), await readApplied(options.clickhouse));
}

/** Creates the database and applies what is pending. Refuses to touch anything when the directory and the database disagree
 *  (`MIGRATION_CHANGED`, `MIGRATION_UNKNOWN`, `MIGRATION_OUT_OF_ORDER`). Throws `MIGRATION_FAILED` at the first statement that fails. */
export async function runMigrations(options: MigrationOptions): Promise<MigrationReport> {
  const { clickhouse } = options;
  const topology = options.topology ?? SINGLE_NODE;
  const files = readMigrationFiles(options.directory);
  const plan = files.map((file) => ({ file, statements: renderFile(file, topology, clickhouse.database) }));

  const onCluster = renderOnCluster(topology);
  await clickhouse.createDatabase(onCluster);
  const local = localDatabase(topology, clickhouse.database);
  if (local !== clickhouse.database) await clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${quoteName(local)} ${onCluster}`);
  for (const sql of renderStatement(HISTORY_TABLE, topology, clickhouse.database, 'schema_migrations')) await clickhouse.command(sql);
  const states = compareMigrations(files, await readApplied(clickhouse));
  for (const state of states) refuseDisagreement(state);

  const pending = new Set(states.filter((state) => state.state === 'pending').map((state) => state.version));
  for (const { file, statements } of plan) {
    if (!pending.has(file.version)) continue;
    options.log?.(`applying migration ${file.fileName}`);
    for (const statement of statements) await runStatement(clickhouse, statement);
    await clickhouse.insertRows(
      historyName(clickhouse),
      ['version', 'name', 'checksum', 'applied_at'],
      [[file.version, file.name, file.checksum, new Date().toISOString()]],
    );
  }
  const after = compareMigrations(files, await readApplied(clickhouse));
  return { applied: after.filter((state) => pending.has(state.version)), alreadyApplied: after.length - pending.size };
}

/** What each migration's state is. Pure. */
export function compareMigrations(files: readonly MigrationFile[], applied: readonly AppliedRow[]): readonly MigrationState[] {
  const fileByVersion = new Map(files.map((file) => [file.version, file]));
  const rowByVersion = new Map(applied.map((row) => [row.version, row]));
  const newest = Math.max(0, ...rowByVersion.keys());
  const states = [...new Set([...fileByVersion.keys(), ...rowByVersion.keys()])].map((version): MigrationState => {
    const file = fileByVersion.get(version);
    const row = rowByVersion.get(version);
    if (row === undefined) return { version, name: file!.name, state: version < newest ? 'out_of_order' : 'pending', appliedAt: '' };
    const common = { version, name: row.name, appliedAt: row.applied_at };
    if (file === undefined) return { ...common, state: 'unknown' };
    return { ...common, state: file.checksum === row.checksum && file.name === row.name ? 'applied' : 'changed' };
  });
  return states.toSorted((a, b) => a.version - b.version);
}

function refuseDisagreement(migration: MigrationState): void {
  const label = `${String(migration.version).padStart(4, '0')}_${migration.name}`;
  switch (migration.state) {
    case 'applied':
    case 'pending':
      return;
    case 'changed':
      throw new AppError(
        'MIGRATION_CHANGED',
        `${label} was applied at ${migration.appliedAt} and its file has changed since: restore the file, and put the change into a new migration`,
      );
    case 'unknown':
      throw new AppError('MIGRATION_UNKNOWN', `the database has ${label}, which this program does not know: upgrade this program`);
    case 'out_of_order':
      throw new AppError('MIGRATION_OUT_OF_ORDER', `${label} was never applied, though later ones were: give it the next number`);
  }
}

export interface PlacedStatement {
  readonly sql: string;
  /** File and line. */
  readonly where: string;
}

/** The statements of all migrations as they would run, in order. Throws `MIGRATION_FILE_INVALID`. */
export function renderMigrations(directory: string, topology: Topology, database: string): readonly PlacedStatement[] {
  return readMigrationFiles(directory).flatMap((file) => renderFile(file, topology, database));
}

function renderFile(file: MigrationFile, topology: Topology, database: string): readonly PlacedStatement[] {
  const statements = splitStatements(file.sql).flatMap(({ text, line }): readonly PlacedStatement[] => {
    const where = `${file.fileName} line ${line}`;
    refuseOnceOnly(text, where);
    return renderStatement(text, topology, database, where).map((sql) => ({ sql, where }));
  });
  if (statements.length === 0) throw new AppError('MIGRATION_FILE_INVALID', `${file.fileName} has no statement`);
  return statements;
}

const CREATES = /^CREATE\s/i;
const CREATES_AGAIN = /^CREATE\s+(OR\s+REPLACE|(?:[A-Z]+\s+){1,3}?IF\s+NOT\s+EXISTS)\s/i;
const DROPS = /^DROP\s/i;
const DROPS_AGAIN = /^DROP\s+(?:[A-Z]+\s+){1,3}?IF\s+EXISTS\s/i;
const ALTERS_ONCE = /^ALTER\s.*\b(?:ADD|DROP)\s+(?:COLUMN|INDEX|PROJECTION|CONSTRAINT)\s+(?!IF\s)/is;

/** A statement that can run once only would leave a migration stuck for good when its process dies behind it. */
function refuseOnceOnly(sql: string, where: string): void {
  if ((CREATES.test(sql) && !CREATES_AGAIN.test(sql)) || (DROPS.test(sql) && !DROPS_AGAIN.test(sql)) || ALTERS_ONCE.test(sql))
    throw new AppError('MIGRATION_FILE_INVALID', `${where}: must be able to run twice: write IF NOT EXISTS, IF EXISTS or OR REPLACE`);
}

async function runStatement(clickhouse: ClickHouse, statement: PlacedStatement): Promise<void> {
  try {
    await clickhouse.command(statement.sql);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CLICKHOUSE_UNAVAILABLE') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('MIGRATION_FAILED', `${statement.where}: ${reason}`, { cause: error });
  }
}

function historyName(clickhouse: ClickHouse): string {
  return `${quoteName(clickhouse.database)}.schema_migrations`;
}

const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS {{database}}.schema_migrations {{on_cluster}} (
    version UInt32,
    name String,
    checksum String COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC')
  ) ENGINE = {{engine_everywhere:MergeTree}} ORDER BY version COMMENT 'Migrations that were applied to this database'`;

const UNKNOWN_DATABASE = 81;

async function readApplied(clickhouse: ClickHouse): Promise<readonly AppliedRow[]> {
  try {
    const found = await clickhouse.query(
      `SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'`,
    );
    if (found.length === 0) return [];
  } catch (error) {
    if (error instanceof ClickHouseQueryError && error.engineCode === UNKNOWN_DATABASE) return [];
    throw error;
  }
  // Two programs that migrated at once both left a row: they ran the same statements, so the first one counts.
  return clickhouse.query<AppliedRow>(
    `SELECT version, name, checksum, applied_at FROM ${historyName(clickhouse)} ORDER BY version, applied_at LIMIT 1 BY version`,
  );
}
