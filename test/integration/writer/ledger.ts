/** A ledger of a test's own: an embedded ClickHouse with the tables, and stores that write into it. */
import { join } from 'node:path';
import { type ClickHouse, type EmbeddedClickHouse, openClickHouse, runMigrations, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { AppError, type PricedEvent } from '@tokenledger/domain';
import type { LogRecord, OutgoingRecord, Producer, SinkBatch, SinkOwner, SinkStore } from '@tokenledger/event-log';
import { createRegistry } from '@tokenledger/runtime';
import { classifyPriced, ledgerStore, type StoreOptions, writerMetrics } from '@tokenledger/writer';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { logRecord } from './priced-events.ts';

export interface Ledger extends AsyncDisposable {
  readonly server: EmbeddedClickHouse;
  readonly clickhouse: ClickHouse;
  /** The first column of the first row, as text. */
  value(sql: string): Promise<string>;
  empty(): Promise<void>;
}

export async function openLedger(): Promise<Ledger> {
  const directory = await makeTempDir('ledger');
  const server = await startEmbeddedClickHouse({ directory: join(directory.path, 'clickhouse'), port: 0 });
  const clickhouse = openClickHouse({ url: server.url });
  await runMigrations({ clickhouse, directory: join(repositoryRoot, 'schemas', 'clickhouse') });
  return {
    server,
    clickhouse,
    value: async (sql) => String(Object.values((await clickhouse.query<Record<string, unknown>>(sql))[0] ?? {})[0]),
    async empty() {
      for (const table of ['usage_events', 'dead_letters', 'sources', 'fence']) await clickhouse.command(`TRUNCATE TABLE ${table}`);
    },
    async [Symbol.asyncDispose]() {
      await clickhouse.close();
      await server.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export const TOPIC = 'test.usage.priced';

export const owner = (epoch: number, partition = 0): SinkOwner => ({ topic: TOPIC, partition, epoch });

/** A batch of these events from offset `from` on. */
export function batchOf(events: readonly PricedEvent[], from = 0): SinkBatch {
  return batchOfRecords(events.map((event, index) => logRecord(event, from + index, TOPIC)));
}

export function batchOfRecords(records: readonly LogRecord[]): SinkBatch {
  const from = records[0]?.offset ?? 0;
  return { records, from, to: from + records.length };
}

export interface OpenStore {
  readonly store: SinkStore;
  /** What was sent to the dead-letter topic. */
  readonly letters: readonly OutgoingRecord[];
}

export function openStore(clickhouse: ClickHouse, options: Partial<StoreOptions> = {}): OpenStore {
  const letters: OutgoingRecord[] = [];
  const producer: Producer = {
    send: async (topic, partition, records) => {
      const baseOffset = letters.length;
      letters.push(...records);
      return { topic, partition, baseOffset };
    },
    close: async () => undefined,
  };
  const store = ledgerStore({
    clickhouse,
    classify: classifyPriced,
    producer,
    deadLetterTopic: 'test.usage.dead-letter',
    metrics: writerMetrics(createRegistry({ processMetrics: false })),
    now: Date.now,
    killWaitMs: 5_000,
    missingRangesMax: 100,
    sourcesMax: 100,
    ...options,
  });
  return { store, letters };
}

export interface Faults {
  /** Called before each insert of rows reaches ClickHouse and after it has taken effect; a throw is a failure at that point. */
  beforeInsert?: (table: string) => void | Promise<void>;
  afterInsert?: (table: string) => void | Promise<void>;
  /** The last row of an insert into this table is lost on the way, without an error. */
  dropsRowOf?: string;
}

/** The real client with failures around its inserts. */
export function withFaults(clickhouse: ClickHouse, faults: Faults): ClickHouse {
  const faulty: Partial<ClickHouse> = {
    async insertRows(...[table, columns, rows, options]: Parameters<ClickHouse['insertRows']>) {
      await faults.beforeInsert?.(table);
      const answer = await clickhouse.insertRows(table, columns, faults.dropsRowOf === table ? rows.slice(0, -1) : rows, options);
      await faults.afterInsert?.(table);
      return answer;
    },
    async insertBlock(...[table, block, options]: Parameters<ClickHouse['insertBlock']>) {
      await faults.beforeInsert?.(table);
      const answer = await clickhouse.insertBlock(table, block, options);
      await faults.afterInsert?.(table);
      if (faults.dropsRowOf !== table) return answer;
      const last = `sequence = (SELECT max(sequence) FROM ${table})`;
      await clickhouse.command(`ALTER TABLE ${table} DELETE WHERE ${last}`, { settings: { mutations_sync: '1' } });
      return { writtenRows: answer.writtenRows - 1 };
    },
  };
  return new Proxy(clickhouse, {
    get(target, name) {
      const member: unknown = Reflect.get(faulty, name) ?? Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

export function crash(): never {
  throw new AppError('CLICKHOUSE_UNAVAILABLE', 'the connection ended before the answer', { retryable: true });
}
