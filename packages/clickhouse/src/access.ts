/** Roles, grants, row policies and limits: files of SQL that are applied whole, whenever they are asked for, each statement of which may run twice. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@tokenledger/domain';
import type { ClickHouse } from './client.ts';
import { ClickHouseQueryError } from './client-error.ts';
import type { PlacedStatement } from './migrations.ts';
import { splitStatements } from './sql/split.ts';
import { renderStatement, SINGLE_NODE, type Topology } from './topology.ts';

export interface AccessOptions {
  readonly clickhouse: ClickHouse;
  /** Of the `.sql` files, applied in the order of their names. */
  readonly directory: string;
  readonly topology?: Topology;
}

/** ACCESS_STORAGE_FOR_INSERTION_NOT_FOUND */
const NO_ACCESS_STORAGE = 514;
const REPEATABLE =
  /^(?:GRANT\s|(?:CREATE|DROP)\s+(?:USER|ROLE|ROW\s+POLICY|QUOTA|SETTINGS\s+PROFILE)\s+(?:IF\s+(?:NOT\s+)?EXISTS|OR\s+REPLACE)\s)/i;

/** The statements as they would run, in order. Throws `MIGRATION_FILE_INVALID`. */
export function renderAccess(directory: string, topology: Topology, database: string): readonly PlacedStatement[] {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .toSorted();
  return files.flatMap((name) =>
    splitStatements(readFileSync(join(directory, name), 'utf8')).flatMap(({ text, line }) => {
      const where = `${name} line ${line}`;
      if (!REPEATABLE.test(text))
        throw new AppError(
          'MIGRATION_FILE_INVALID',
          `${where}: must be about access, and able to run twice: write OR REPLACE or IF NOT EXISTS`,
        );
      return renderStatement(text, topology, database, where).map((sql) => ({ sql, where }));
    }),
  );
}

/** Gives how many statements were applied. Throws `ACCESS_FAILED` at the first that fails, and what `ClickHouse` throws when it does not answer. */
export async function applyAccess(options: AccessOptions): Promise<number> {
  const { clickhouse, directory } = options;
  const statements = renderAccess(directory, options.topology ?? SINGLE_NODE, clickhouse.database);
  for (const { sql, where } of statements) {
    try {
      await clickhouse.command(sql);
    } catch (error) {
      if (error instanceof AppError && error.code === 'CLICKHOUSE_UNAVAILABLE') throw error;
      const none = error instanceof ClickHouseQueryError && error.engineCode === NO_ACCESS_STORAGE;
      const reason = none
        ? 'this ClickHouse keeps no users: the embedded one has none, and a server needs a writable user directory'
        : error instanceof Error
          ? error.message
          : String(error);
      throw new AppError('ACCESS_FAILED', `${where}: ${reason}`, { cause: error });
    }
  }
  return statements.length;
}
