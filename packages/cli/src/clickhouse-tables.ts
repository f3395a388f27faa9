/** The tables in ClickHouse: connecting to where they are, bringing them up to date, or refusing to run beside old ones. */
import { listMigrations, openClickHouse, runMigrations, type ClickHouse } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import { REPOSITORY } from './repository.ts';
import type { Settings } from './settings.ts';

const directory = REPOSITORY.migrations;

/** Opens no connection yet. */
export function clickhouseAt(url: string, settings: Settings): ClickHouse {
  const { database, user, password } = settings.config.clickhouse;
  return openClickHouse({ url, database, username: user, password });
}

/** Gives how many migrations were applied. Throws what `runMigrations` throws. */
export async function applyMigrations(clickhouse: ClickHouse): Promise<number> {
  return (await runMigrations({ clickhouse, directory })).applied.length;
}

/** Throws `MIGRATIONS_PENDING`. */
export async function requireMigrated(clickhouse: ClickHouse): Promise<void> {
  const states = await listMigrations({ clickhouse, directory });
  const odd = states.filter((state) => state.state !== 'applied');
  const [first] = odd;
  if (first === undefined) return;
  const what = `migration ${first.version} (${first.name}) of the tables at ${clickhouse.url} is ${first.state.replaceAll('_', ' ')}`;
  throw new AppError(
    'MIGRATIONS_PENDING',
    `${what}${odd.length > 1 ? `, and ${odd.length - 1} more are not current` : ''}: run \`tokenledger migrate\``,
  );
}
