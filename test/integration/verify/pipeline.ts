/** Pricer and writer on an embedded log and ClickHouse of a test's own, in the layout of a data directory, and the program's commands beside them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouse } from '@tokenledger/clickhouse';
import { isRejected, type UsageEvent } from '@tokenledger/domain';
import { type EmbeddedLog, lags, openEmbeddedLog, type OutgoingRecord, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createPricer, pricerConfig } from '@tokenledger/pricer';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { createRegistry, type Role, silentLogger } from '@tokenledger/runtime';
import { encodeUsageEvent, identityHeaders } from '@tokenledger/schemas';
import { createWriter, writerConfig } from '@tokenledger/writer';
import { sampleEvents } from '../../bench/support/sample-events.ts';
import { type CliResult, runCli } from '../../support/cli.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import { openLedger } from '../writer/ledger.ts';

export const PARTITIONS = 2;
export const SOURCE = 'ingress/one';
const EVENTS_MAX = 200;
const BEGIN_MS = Date.parse('2026-03-01T10:00:00Z');
const HOUR_MS = 3_600_000;
const STOP_MS = 10_000;

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);

/** The first ones of a partition, an hour apart, numbered from 1. */
export function events(count: number, partition: number): readonly UsageEvent[] {
  return sampleEvents(EVENTS_MAX * PARTITIONS)
    .slice(partition * EVENTS_MAX, partition * EVENTS_MAX + count)
    .map((event, index) => ({ ...event, source: SOURCE, sequence: index + 1, occurredAtMs: BEGIN_MS + index * HOUR_MS }));
}

export function recordOf(event: UsageEvent): OutgoingRecord {
  return { key: event.attribution.virtualKeyId, value: encodeUsageEvent(event), headers: identityHeaders(event) };
}

export interface Pipeline extends AsyncDisposable {
  readonly clickhouse: ClickHouse;
  publish(partition: number, records: readonly OutgoingRecord[]): Promise<void>;
  /** Starts pricer and writer, waits until all is written, and stops them. `meanwhile` runs before the wait. */
  drain(meanwhile?: () => Promise<void>): Promise<void>;
  /** Beside the open log. */
  cli(...args: readonly string[]): Promise<CliResult>;
  /** While nobody has the log, as an embedded one wants it of whoever sends. */
  cliAlone(...args: readonly string[]): Promise<CliResult>;
}

export async function openPipeline(): Promise<Pipeline> {
  const resources = new AsyncDisposableStack();
  const ledger = resources.use(await openLedger());
  const data = resources.use(await makeTempDir('verify'));
  const topics = topicNames('tokenledger.');
  let log = openLog();
  resources.defer(() => log.close());
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, retentionMs: 3_600_000 }));

  const run = (args: readonly string[]): Promise<CliResult> =>
    runCli([...args, '--data', data.path], { cwd: data.path, env: { CLICKHOUSE_URL: ledger.server.url } });
  return {
    clickhouse: ledger.clickhouse,
    async publish(partition, records) {
      const producer = await log.producer();
      await producer.send(topics.usageEvents, partition, records);
      await producer.close();
    },
    async drain(meanwhile) {
      const shared = { log, topics, logger: silentLogger() };
      const metrics = (): ReturnType<typeof createRegistry> => createRegistry({ processMetrics: false });
      const roles: readonly Role[] = [
        createWriter({
          ...shared,
          config: writerConfig.parse({ flush_interval_ms: 20 }),
          clickhouse: ledger.clickhouse,
          metrics: metrics(),
        }),
        createPricer({
          ...shared,
          config: pricerConfig.parse({}),
          priceBook: book as Exclude<typeof book, { kind: 'rejected' }>,
          metrics: metrics(),
        }),
      ];
      for (const role of roles) await role.start();
      await meanwhile?.();
      // Twice: what the first look sees consumed may have put out what the second one sees.
      const drained = async (): Promise<boolean> => (await lags(log, topics)).every(({ records }) => records === 0);
      await waitFor(async () => (await drained()) && (await drained()), { timeoutMs: 60_000, describe: 'everything to be written' });
      for (const role of roles) await role.stop(STOP_MS);
    },
    cli: (...args) => run(args),
    async cliAlone(...args) {
      await log.close();
      try {
        return await run(args);
      } finally {
        log = openLog();
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };

  function openLog(): EmbeddedLog {
    return openEmbeddedLog({ directory: join(data.path, 'log') });
  }
}
