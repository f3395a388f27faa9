import { join } from 'node:path';
import { openClickHouse } from '@tokenledger/clickhouse';
import { type EmbeddedLog, openEmbeddedLog, type OutgoingRecord, type Producer, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createLogger, createRegistry, type Role } from '@tokenledger/runtime';
import { encodeRejected, identityHeaders } from '@tokenledger/schemas';
import { createWriter, type WriterConfig, writerConfig } from '@tokenledger/writer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { outgoing, pricedEvent } from './priced-events.ts';

const PARTITIONS = 2;
const GARBAGE = Buffer.from([0xff, 0x00, 0x80, 0x0a]);

let ledger: Ledger;
let log: EmbeddedLog;
let producer: Producer;
let writers: Role[] = [];
/** Each test has topics of its own. */
let topics = topicNames('');
let tests = 0;

/** Let go of in reverse, however far the start came. */
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  ledger = resources.use(await openLedger());
  const directory = resources.use(await makeTempDir('log'));
  log = resources.adopt(openEmbeddedLog({ directory: join(directory.path, 'log') }), (open) => open.close());
  producer = resources.adopt(await log.producer(), (open) => open.close());
});
beforeEach(async () => {
  await ledger.empty();
  topics = topicNames(`test${(tests += 1)}.`);
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, retentionMs: 3_600_000 }));
});
afterEach(async () => {
  for (const writer of writers) await writer.stop(5_000);
  writers = [];
});
afterAll(() => resources.disposeAsync());

async function startWriter(config: Partial<WriterConfig> = {}): Promise<Role> {
  const writer = createWriter({
    config: writerConfig.parse({ flush_interval_ms: 20, batch_records_max: 150, kill_wait_ms: 5_000, ...config }),
    log,
    topics,
    clickhouse: ledger.clickhouse,
    logger: createLogger({ level: 'silent', format: 'json' }),
    metrics: createRegistry({ processMetrics: false }),
  });
  writers.push(writer);
  await writer.start();
  return writer;
}

const send = async (topic: string, records: readonly OutgoingRecord[], partition = 0): Promise<void> => {
  await producer.send(topic, partition, records);
};
const end = async (topic: string): Promise<number> => {
  const reader = await log.reader({ topic, partition: 0, from: 'start' });
  const { end: next } = await reader.range();
  await reader.close();
  return next;
};

async function waitForRows(table: string, count: number, timeoutMs = 60_000): Promise<void> {
  let found = '';
  await waitFor(
    async () => {
      found = await ledger.value(`SELECT count() FROM ${table}`).catch((error: unknown) => String(error));
      return found === String(count);
    },
    {
      timeoutMs,
      describe: () => `${count} rows in ${table}; there are ${found}: ${writers.map((writer) => writer.state().detail).join()}`,
    },
  );
}

async function killServer(): Promise<void> {
  const before = ledger.server.state();
  if (before.kind !== 'ready') return;
  process.kill(before.pid, 'SIGKILL');
  await waitFor(
    () => {
      const now = ledger.server.state();
      return now.kind === 'ready' && now.pid !== before.pid;
    },
    { timeoutMs: 20_000, describe: 'the server to start again' },
  );
}

test('every event is there once, though ClickHouse is killed, the writer replaced and records repeated', async () => {
  const perPartition = 3_000;
  let writer = await startWriter();
  for (let from = 1; from <= perPartition; from += 250) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = Array.from({ length: 250 }, (_, index) => outgoing(pricedEvent(from + index, `ingress/${partition}`)));
      await send(topics.usagePriced, records, partition);
      if (from % 500 === 1) await send(topics.usagePriced, records.slice(100), partition);
    }
    if (from % 1_000 === 1) await killServer();
    if (from % 1_000 === 501) {
      await writer.stop(5_000);
      writer = await startWriter();
    }
  }
  await waitForRows('usage_events', perPartition * PARTITIONS);
  const complete = await ledger.clickhouse.query('SELECT source, rows, missing, repeats FROM completeness ORDER BY source');
  expect(complete).toEqual(
    [0, 1].map((partition) => ({ source: `ingress/${partition}`, rows: String(perPartition), missing: '0', repeats: '0' })),
  );
  const sums = 'sum(events) AS events, sum(total_tokens) AS tokens, sum(cost_usd) AS cost';
  const base = `SELECT countIf(kind = 'usage') AS events, sum(total_tokens) AS tokens, sum(cost_usd) AS cost FROM usage_events SETTINGS optimize_use_projections = 0`;
  expect(await ledger.clickhouse.query(`SELECT ${sums} FROM usage_by_minute`)).toEqual(await ledger.clickhouse.query(base));
  await waitFor(() => writer.state().status === 'ready', {
    timeoutMs: 10_000,
    describe: () => `a healthy writer: ${JSON.stringify(writer.state())}`,
  });
});

test('what cannot be decoded is one dead letter with its bytes, and the records around it are events', async () => {
  const broken = { key: 'key-1', value: GARBAGE, headers: identityHeaders({ source: 'ingress/one', sequence: 2 }) };
  await send(topics.usagePriced, [outgoing(pricedEvent(1)), broken, outgoing(pricedEvent(3)), broken]);
  await startWriter();
  await waitForRows('usage_events', 2);
  await waitForRows('dead_letters', 1);
  const [letter] = await ledger.clickhouse.query(
    `SELECT source, sequence, log_topic, code, origin_topic, origin_partition, origin_offset, record_key, hex(original_bytes) AS bytes FROM dead_letters`,
  );
  expect(letter).toEqual({
    source: 'ingress/one',
    sequence: '2',
    log_topic: topics.deadLetter,
    code: 'UNDECODABLE',
    origin_topic: topics.usagePriced,
    origin_partition: 0,
    origin_offset: '1',
    record_key: 'key-1',
    bytes: GARBAGE.toString('hex').toUpperCase(),
  });
  expect(await ledger.clickhouse.query(`SELECT missing, repeats FROM completeness WHERE source = 'ingress/one'`)).toEqual([
    { missing: '0', repeats: '0' },
  ]);
});

test('a rejected event is in dead_letters and never among the events', async () => {
  const rejectedEvent = {
    source: 'ingress/one',
    sequence: 1,
    code: 'EVENT_INVALID',
    message: 'the tenant is missing',
    originTopic: topics.usageEvents,
    originPartition: 0,
    originOffset: 5,
    originalBytes: GARBAGE,
  };
  const record = { key: null, value: encodeRejected(rejectedEvent), headers: identityHeaders(rejectedEvent) };
  await send(topics.usagePriced, [record, record, outgoing(pricedEvent(2))]);
  await startWriter();
  await waitForRows('dead_letters', 1);
  await waitForRows('usage_events', 1);
  expect(await ledger.clickhouse.query('SELECT code, message, origin_offset, hex(original_bytes) AS bytes FROM dead_letters')).toEqual([
    { code: 'EVENT_INVALID', message: 'the tenant is missing', origin_offset: '5', bytes: GARBAGE.toString('hex').toUpperCase() },
  ]);
});

test('a dead letter is never dead-lettered, however broken it is', async () => {
  await send(topics.deadLetter, [
    { key: null, value: GARBAGE },
    { key: null, value: new Uint8Array(0) },
  ]);
  await startWriter();
  await waitForRows('dead_letters', 2);
  expect(await ledger.clickhouse.query('SELECT DISTINCT source, code FROM dead_letters')).toEqual([
    { source: `@${topics.deadLetter}/0`, code: 'DEAD_LETTER_UNREADABLE' },
  ]);
  expect(await end(topics.deadLetter)).toBe(2);
});

test('without ClickHouse the writer does not start, and says where it looked', async () => {
  const nowhere = openClickHouse({ url: 'http://127.0.0.1:9' });
  const writer = createWriter({
    config: writerConfig.parse({}),
    log,
    topics,
    clickhouse: nowhere,
    logger: createLogger({ level: 'silent', format: 'json' }),
    metrics: createRegistry({ processMetrics: false }),
  });
  await expect(writer.start()).rejects.toMatchObject({ code: 'CLICKHOUSE_UNAVAILABLE', message: expect.stringContaining('127.0.0.1:9') });
  expect(await writer.stop(1_000)).toEqual({ left: '' });
  await nowhere.close();
});

test('the writer that has partition 0 seals days that are over, and lets their raw rows go', async () => {
  await ledger.clickhouse.command('TRUNCATE TABLE usage_sealed');
  const numbers = [1, 2, 3, 400, 5_000, 9_000];
  await send(
    topics.usagePriced,
    numbers.map((number) => outgoing(pricedEvent(number))),
  );
  await startWriter({ seal_interval_ms: 1_000, allowed_lateness_ms: 0, retention_days: 1 });
  const sums = 'SELECT day, sum(events) AS events, sum(cost_usd) AS cost FROM usage_by_day GROUP BY day ORDER BY day';
  await waitForRows('usage_events', numbers.length);
  const before = await ledger.clickhouse.query(sums);
  // The newest of these days is sealed last, and stays.
  await waitForRows("usage_daily WHERE day = '2025-11-04'", 1);
  expect(await ledger.value('SELECT count() FROM usage_events')).toBe('2');
  expect(await ledger.clickhouse.query('SELECT DISTINCT day, retired FROM usage_daily ORDER BY day')).toEqual([
    { day: '2025-11-01', retired: true },
    { day: '2025-11-02', retired: true },
    { day: '2025-11-04', retired: false },
  ]);
  expect(await ledger.clickhouse.query(sums)).toEqual(before);
});
