/** `tokenledger migrate`: brings the ClickHouse tables and the topics of the log up to date. */
import { createLifecycle, createLogger, lockDataDir, readRunNote, type DataDirLock } from '@tokenledger/runtime';
import { AppError } from '@tokenledger/domain';
import { Command } from 'commander';
import { clickhouseUnreachable, clickhouseUrl } from '../clickhouse-address.ts';
import { applyMigrations, clickhouseAt } from '../clickhouse-tables.ts';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { composeStorage } from '../compose.ts';
import type { Settings } from '../settings.ts';

export function migrateCommand(): Command {
  const command = new Command('migrate')
    .description('Bring the ClickHouse tables and the topics of the log up to date. `up` does so at its start; `run` wants it done before.')
    .action(() => migrate(settingsOf(command), (line) => console.log(line)));
  return withExamples(withShared(command, 'config', 'data', 'clickhousePort'), [
    'tokenledger migrate --config tokenledger.yaml',
    'before roles of a new version start',
  ]);
}

/** Throws what the start of ClickHouse, of the log or a migration throws. */
async function migrate(settings: Settings, say: (line: string) => void): Promise<void> {
  const lock = lockUnlessRunning(settings);
  if (lock === undefined) {
    await migrateBeside(settings, say);
    return;
  }
  const lifecycle = createLifecycle({
    parts: composeStorage(settings, createLogger({ level: 'warn', format: settings.config.logging.format })),
    stopTimeoutMs: settings.config.shutdown.timeout_ms,
    onProgress: (progress) => {
      if (progress.kind === 'starting') say(`  ${progress.part} …`);
    },
  });
  try {
    await lifecycle.start();
    await lifecycle.stop();
    say('Tables and topics are current.');
  } finally {
    lock.release();
  }
}

/** The process that holds the directory has brought its topics up to date when it started; its ClickHouse answers us as well. */
async function migrateBeside(settings: Settings, say: (line: string) => void): Promise<void> {
  const clickhouse = clickhouseAt(clickhouseUrl(settings), settings);
  try {
    await clickhouse.ping();
    const applied = await applyMigrations(clickhouse);
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
