/** `tokenledger migrate`: brings the ClickHouse tables and the topics of the log up to date. */
import { createLifecycle, createLogger, lockDataDir, readRunNote, type DataDirLock } from '@tokenledger/runtime';
import { AppError } from '@tokenledger/domain';
import { Command } from 'commander';
import { clickhouseUnreachable, clickhouseUrl } from '../clickhouse-address.ts';
import { applyAccessFiles, applyMigrations, clickhouseAt } from '../clickhouse-tables.ts';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { composeStorage } from '../compose.ts';
import { usesKafka } from '../event-log.ts';
import type { Settings } from '../settings.ts';

interface MigrateOptions {
  readonly tables: boolean;
  readonly topics: boolean;
  readonly access: boolean;
}

export function migrateCommand(): Command {
  const command = new Command('migrate')
    .description('Bring the ClickHouse tables and the topics of the log up to date. `up` does so at its start; `run` wants it done before.')
    .option('--no-tables', 'leave ClickHouse alone')
    .option('--no-topics', 'leave the event log alone')
    .option('--access', 'also apply roles, grants, row policies and limits, as a user who may manage access', false)
    .action((options: MigrateOptions) => migrateAndSay(settingsOf(command), options, (line) => console.log(line)));
  return withExamples(
    withShared(command, 'config', 'data', 'clickhousePort'),
    ['tokenledger migrate --config tokenledger.yaml', 'before roles of a new version start'],
    ['KAFKA_BROKERS=kafka:9092 tokenledger migrate --no-tables', 'the topics alone'],
  );
}

async function migrateAndSay(settings: Settings, options: MigrateOptions, say: (line: string) => void): Promise<void> {
  const { url } = settings.config.clickhouse;
  if (options.access && url === '')
    throw new AppError(
      'CLICKHOUSE_URL_MISSING',
      'the embedded ClickHouse keeps no users: set clickhouse.url (CLICKHOUSE_URL), or leave --access out',
    );
  await migrate(settings, options, say);
  if (!options.access) return;
  const clickhouse = clickhouseAt(url, settings);
  try {
    say(`${await applyAccessFiles(clickhouse, settings)} statements about access applied.`);
  } finally {
    await clickhouse.close();
  }
}

/** Throws what the start of ClickHouse, of the log or a migration throws. */
async function migrate(settings: Settings, options: MigrateOptions, say: (line: string) => void): Promise<void> {
  if (usesKafka(settings)) {
    requireClickHouse(settings, options);
    // Neither is in the data directory, so whoever runs on it is not disturbed.
    await bringUpToDate(settings, options, say);
    return;
  }
  const lock = lockUnlessRunning(settings);
  if (lock === undefined) {
    await migrateBeside(settings, say);
    return;
  }
  try {
    await bringUpToDate(settings, options, say);
  } finally {
    lock.release();
  }
}

/** Beside Kafka, an embedded ClickHouse would be one that no other process uses. */
function requireClickHouse(settings: Settings, options: MigrateOptions): void {
  if (!options.tables || settings.config.clickhouse.url !== '') return;
  throw new AppError(
    'CLICKHOUSE_URL_MISSING',
    'clickhouse.url is empty: set it (CLICKHOUSE_URL), or say --no-tables to migrate the topics alone',
  );
}

async function bringUpToDate(settings: Settings, options: MigrateOptions, say: (line: string) => void): Promise<void> {
  const logger = createLogger({ level: 'warn', format: settings.config.logging.format });
  const lifecycle = createLifecycle({
    parts: composeStorage({ settings, logger, ...options }),
    stopTimeoutMs: settings.config.shutdown.timeout_ms,
    onProgress: (progress) => {
      if (progress.kind === 'starting') say(`  ${progress.part} …`);
    },
  });
  await lifecycle.start();
  await lifecycle.stop();
  const what = [...(options.tables ? ['Tables'] : []), ...(options.topics ? ['topics'] : [])].join(' and ');
  say(what === '' ? 'Nothing was to be done.' : `${what[0]?.toUpperCase()}${what.slice(1)} are current.`);
}

/** The process that holds the directory has brought its topics up to date when it started; its ClickHouse answers us as well. */
async function migrateBeside(settings: Settings, say: (line: string) => void): Promise<void> {
  const clickhouse = clickhouseAt(clickhouseUrl(settings), settings);
  try {
    await clickhouse.ping();
    const applied = await applyMigrations(clickhouse, settings);
    say(
      `Tables at ${clickhouse.url} are current (${applied} migrations applied); topics are those of process ${readRunNote(settings.layout)?.pid ?? 'that runs here'}.`,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'CLICKHOUSE_UNAVAILABLE') throw clickhouseUnreachable(settings, clickhouse.url, error);
    throw error;
  } finally {
    await clickhouse.close();
  }
}

function lockUnlessRunning(settings: Settings): DataDirLock | undefined {
  try {
    return lockDataDir(settings.layout);
  } catch (error) {
    if (error instanceof AppError && error.code === 'DATA_DIR_IN_USE') return undefined;
    throw error;
  }
}
