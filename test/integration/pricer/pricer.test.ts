// The pricer on the embedded log: one record for each, in its partition and order, whatever it is, and across restarts.
import { readFileSync } from 'node:fs';
import { isRejected, type UsageEvent } from '@tokenledger/domain';
import { type EmbeddedLog, type LogRecord, openEmbeddedLog, type OutgoingRecord, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createPricer, pricerConfig } from '@tokenledger/pricer';
import { parsePriceBook, rateEvent, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { createRegistry, type Role, silentLogger } from '@tokenledger/runtime';
import { decodeRecord, encodeUsageEvent, identityHeaders, readDeadLetter, readIdentity } from '@tokenledger/schemas';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sampleEvents } from '../../bench/support/sample-events.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const PARTITIONS = 2;
const TIMEOUT_MS = 20_000;
const STOP_MS = 5_000;

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);
const topics = topicNames('test.');
/** Half of them in each partition, numbered from 1 in each. */
const events = sampleEvents(600).map((event, index): UsageEvent => ({ ...event, sequence: Math.floor(index / PARTITIONS) + 1 }));

let directory: TempDir;
let log: EmbeddedLog;
beforeEach(async () => {
  directory = await makeTempDir('pricer');
  log = openEmbeddedLog({ directory: directory.path });
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, retentionMs: 3_600_000 }));
});
afterEach(async () => {
  await log.close();
  await directory[Symbol.asyncDispose]();
});

const registry = () => createRegistry({ processMetrics: false });
const pricer = (metrics = registry(), config: Parameters<typeof pricerConfig.parse>[0] = {}): Role =>
  createPricer({ log, topics, config: pricerConfig.parse(config), priceBook: book, logger: silentLogger(), metrics });

async function publish(partition: number, records: readonly OutgoingRecord[]): Promise<void> {
  const producer = await log.producer();
  await producer.send(topics.usageEvents, partition, records);
  await producer.close();
}
const recordOf = (event: UsageEvent): OutgoingRecord => ({
  key: event.attribution.virtualKeyId,
  value: encodeUsageEvent(event),
  headers: identityHeaders(event),
});
const inPartition = (partition: number): readonly UsageEvent[] => events.filter((_, index) => index % PARTITIONS === partition);

async function recordsOf(topic: string, partition: number): Promise<readonly LogRecord[]> {
  const reader = await log.reader({ topic, partition, from: 'start' });
  try {
    const { end } = await reader.range();
    const records: LogRecord[] = [];
    while ((records.at(-1)?.offset ?? -1) + 1 < end) {
      records.push(...(await reader.poll({ recordsMax: 1_000, bytesMax: 16 * 1024 * 1024, waitMs: 100 })));
    }
    return records;
  } finally {
    await reader.close();
  }
}
const hasRecords = (topic: string, partition: number, count: number) =>
  waitFor(async () => (await recordsOf(topic, partition)).length >= count, {
    timeoutMs: TIMEOUT_MS,
    describe: `${count} records in ${topic}/${partition}`,
  });

test('every event of every partition comes out priced, in order, under its key and identity', async () => {
  for (let partition = 0; partition < PARTITIONS; partition += 1) await publish(partition, inPartition(partition).map(recordOf));
  const metrics = registry();
  const role = pricer(metrics, { batch_records_max: 64 });
  await role.start();
  expect(role.state()).toEqual({ status: 'ready', detail: '' });
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const written = inPartition(partition);
    await hasRecords(topics.usagePriced, partition, written.length);
    const records = await recordsOf(topics.usagePriced, partition);
    expect(records.map(({ key, headers }) => [key, readIdentity(headers)?.sequence])).toEqual(
      written.map((event) => [event.attribution.virtualKeyId, event.sequence]),
    );
    expect(records.map(({ value }) => decodeRecord(value as Uint8Array))).toEqual(
      written.map((event) => ({ kind: 'priced', priced: rateEvent(event, book) })),
    );
  }
  expect(await role.stop(STOP_MS)).toEqual({ left: '' });
  expect(role.state().status).toBe('stopped');
  expect(await metrics.metrics()).toContain(`tokenledger_pricer_events_priced_total ${events.length}\n`);
});

test('what is no event, or no valid one, does not hold up what follows', async () => {
  const [first, second, third] = inPartition(0) as readonly [UsageEvent, UsageEvent, UsageEvent];
  const rubbish = Buffer.from('not an event');
  await publish(0, [
    recordOf(first),
    { key: 'vk-x', value: rubbish, headers: identityHeaders({ source: 'ingress-x', sequence: 9 }) },
    recordOf({ ...second, eventId: 'none' }),
    recordOf(third),
  ]);
  const role = pricer();
  await role.start();
  await hasRecords(topics.usagePriced, 0, 3);
  await hasRecords(topics.deadLetter, 0, 1);
  await role.stop(STOP_MS);

  const priced = (await recordsOf(topics.usagePriced, 0)).map(({ value }) => decodeRecord(value as Uint8Array));
  expect(priced.map(({ kind }) => kind)).toEqual(['priced', 'rejected_event', 'priced']);
  expect(priced[1]).toMatchObject({
    rejected: { source: second.source, sequence: second.sequence, code: 'EVENT_INVALID', originOffset: 2 },
  });
  const letters = await recordsOf(topics.deadLetter, 0);
  expect(letters).toHaveLength(1);
  expect(letters[0]).toMatchObject({ key: 'vk-x', value: new Uint8Array(rubbish) });
  expect(readDeadLetter(letters[0]?.headers ?? {})).toMatchObject({
    code: 'UNDECODABLE',
    origin: { topic: topics.usageEvents, partition: 0, offset: 1 },
  });
});

test('a restart in the middle loses nothing, and what it repeats is the same to the byte', async () => {
  const written = inPartition(0);
  await publish(0, written.slice(0, 200).map(recordOf));
  for (const [index, batch] of [7, 50, 3].entries()) {
    const role = pricer(registry(), { batch_records_max: batch, linger_ms: 0 });
    await role.start();
    await hasRecords(topics.usagePriced, 0, 20 * (index + 1));
    await role.stop(STOP_MS);
  }
  await publish(0, written.slice(200).map(recordOf));
  const role = pricer();
  await role.start();
  const last = written.at(-1) as UsageEvent;
  await waitFor(async () => readIdentity((await recordsOf(topics.usagePriced, 0)).at(-1)?.headers ?? {})?.sequence === last.sequence, {
    timeoutMs: TIMEOUT_MS,
    describe: 'the last event to be priced',
  });
  await role.stop(STOP_MS);

  const values = new Map<number, string>();
  for (const { headers, value } of await recordsOf(topics.usagePriced, 0)) {
    const sequence = readIdentity(headers)?.sequence as number;
    const hex = Buffer.from(value as Uint8Array).toString('hex');
    expect(values.get(sequence) ?? hex).toBe(hex);
    values.set(sequence, hex);
  }
  expect([...values.keys()].toSorted((a, b) => a - b)).toEqual(written.map(({ sequence }) => sequence));
});

test('a pricer whose topics are missing, or of other partition counts, does not start', async () => {
  await log.deleteTopic(topics.usagePriced);
  await expect(pricer().start()).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  await log.createTopics([{ topic: topics.usagePriced, partitions: PARTITIONS + 1, cleanup: 'time', retentionMs: 3_600_000 }]);
  await expect(pricer().start()).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' });
});

test('a log that goes away is a failure of the role, told in its state, and stopping still works', async () => {
  await publish(0, inPartition(0).slice(0, 1).map(recordOf));
  const role = pricer();
  await role.start();
  await hasRecords(topics.usagePriced, 0, 1);
  await log.deleteTopic(topics.usagePriced);
  await publish(0, inPartition(0).slice(1, 2).map(recordOf));
  await waitFor(() => role.state().status === 'degraded', { timeoutMs: TIMEOUT_MS, describe: 'the role to be degraded' });
  expect(role.state().detail).toContain('usage.events/0 has stopped');
  expect(await role.stop(STOP_MS)).toEqual({ left: '' });
});
