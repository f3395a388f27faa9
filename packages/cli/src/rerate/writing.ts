/** Who writes what a command posts: with Kafka the writers that run; beside an embedded log nobody else can, so the command does it itself. */
import { AppError } from '@tokenledger/domain';
import { consumers, GROUPS } from '@tokenledger/event-log';
import { createLogger, createRegistry } from '@tokenledger/runtime';
import { createWriter } from '@tokenledger/writer';
import { clickhouseNodes } from '../clickhouse-tables.ts';
import { usesKafka } from '../event-log.ts';
import type { LedgerAccess } from '../ledger.ts';
import type { Settings } from '../settings.ts';
import { untilPricedWritten, untilRead } from '../written.ts';
import { progressLine } from './output.ts';

export interface Writing {
  /** Resolves once everything that the topic of priced events holds now is written. Throws `NOT_WRITTEN`. */
  written(): Promise<void>;
  /** The same for what sources say of themselves. */
  told(): Promise<void>;
}

const STOP_MS = 10_000;

export async function withWriting<Result>(
  settings: Settings,
  ledger: LedgerAccess,
  waitMs: number,
  use: (writing: Writing) => Promise<Result>,
): Promise<Result> {
  const { log, topics, clickhouse } = ledger;
  const said = progressLine();
  const onBehind = (records: number): void => said(`${records} records are still to be written`);
  const untilWrittenBy = async (group: string): Promise<void> => {
    const consumer = consumers(topics).find((one) => one.group === group);
    if (consumer === undefined) throw new AppError('NOT_WRITTEN', `nobody reads as ${group}`);
    await untilRead(log, consumer, performance.now() + waitMs);
  };
  const writing: Writing = {
    written: () => untilPricedWritten(log, topics, performance.now() + waitMs, onBehind),
    told: () => untilWrittenBy(GROUPS.writerSources),
  };
  if (usesKafka(settings)) return use(writing);
  const nodes = clickhouseNodes(settings);
  const writer = createWriter({
    config: settings.config.writer,
    log,
    topics,
    clickhouse,
    ...(nodes === undefined ? {} : { nodes }),
    logger: createLogger({ level: 'error', format: settings.config.logging.format }),
    metrics: createRegistry({ processMetrics: false }),
  });
  await writer.start();
  try {
    return await use(writing);
  } finally {
    await writer.stop(STOP_MS);
    await Promise.all((nodes ?? []).flat().map((node) => node.close()));
  }
}
