/** The log and ClickHouse together, for a command that needs both: beside the process that runs on them, or on its own where none does. */
import { existsSync } from 'node:fs';
import { type ClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import { type EventLog, topicNames, type Topics } from '@tokenledger/event-log';
import { createLogger } from '@tokenledger/runtime';
import { clickhouseUnreachable, clickhouseUrl } from './clickhouse-address.ts';
import { clickhouseAt, requireMigrated } from './clickhouse-tables.ts';
import { usesKafka, withLog } from './event-log.ts';
import type { Settings } from './settings.ts';

export interface LedgerAccess {
  readonly log: EventLog;
  readonly topics: Topics;
  /** Its tables are those of this version. */
  readonly clickhouse: ClickHouse;
}

/** `sends`: records are to be sent. An embedded log belongs to one process, so nothing else may run on its data directory then.
 *  Throws `DATA_DIR_IN_USE`, `LOG_MISSING`, `CLICKHOUSE_UNREACHABLE`, `MIGRATIONS_PENDING` and what opening the log throws. */
export async function withLedger<Result>(
  settings: Settings,
  { sends }: { readonly sends: boolean },
  use: (ledger: LedgerAccess) => Promise<Result>,
): Promise<Result> {
  const logger = createLogger({ level: 'warn', format: settings.config.logging.format });
  const topics = topicNames(settings.config.log.topic_prefix);
  const beside = (log: EventLog): Promise<Result> =>
    withClickHouse(settings, clickhouseUrl(settings), (clickhouse) => use({ log, topics, clickhouse }));
  if (usesKafka(settings) || !existsSync(settings.layout.log)) return withLog(settings, { logger, readOnly: !sends }, beside);
  try {
    return await withLog(settings, { logger, readOnly: false }, (log) =>
      settings.config.clickhouse.url === '' ? alone(settings, (clickhouse) => use({ log, topics, clickhouse })) : beside(log),
    );
  } catch (error) {
    const isOwned = error instanceof AppError && (error.code === 'DATA_DIR_IN_USE' || error.code === 'LOG_LOCKED');
    if (!isOwned || sends) throw error;
    return withLog(settings, { logger, readOnly: true }, beside);
  }
}

/** Nobody runs on the data directory: its ClickHouse is started for this command. */
async function alone<Result>(settings: Settings, use: (clickhouse: ClickHouse) => Promise<Result>): Promise<Result> {
  const embedded = await startEmbeddedClickHouse({ directory: settings.layout.clickhouse, host: settings.config.clickhouse.host, port: 0 });
  try {
    return await withClickHouse(settings, embedded.url, use);
  } finally {
    await embedded.stop();
  }
}

async function withClickHouse<Result>(settings: Settings, url: string, use: (clickhouse: ClickHouse) => Promise<Result>): Promise<Result> {
  const clickhouse = clickhouseAt(url, settings);
  try {
    await clickhouse.ping();
    await requireMigrated(clickhouse);
    return await use(clickhouse);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CLICKHOUSE_UNAVAILABLE') throw clickhouseUnreachable(settings, url, error);
    throw error;
  } finally {
    await clickhouse.close();
  }
}
