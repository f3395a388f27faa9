import type { PricedEvent } from '@tokenledger/domain';
import { createMissingTopics, openKafkaLog, topicNames, withGroupPrefix } from '@tokenledger/event-log';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { batchOfRecords, type Ledger, openLedger, openStore } from '../../integration/writer/ledger.ts';
import { outgoing } from '../../integration/writer/priced-events.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { API } from '../../support/kafka/protocol.ts';
import { type KafkaProxy, PASS, startKafkaProxy } from '../../support/kafka/proxy.ts';
import { judged, kinds, numberedEvents } from './numbered-events.ts';

const SENDS = 10;
const RECORDS = 10;
const EVENTS = numberedEvents(SENDS * RECORDS);
const REQUEST_MS = 300;
/** The answer that is lost. */
const LOST = 3;

const kafka = await sharedKafka();

/** Sends each batch, all at a time, and resolves once all of them are acknowledged. */
type SendAll = (brokers: string, topic: string, batches: readonly (readonly PricedEvent[])[]) => Promise<void>;

const byOurLog: SendAll = async (brokers, topic, batches) => {
  const log = openKafkaLog({ brokers: [brokers], requestTimeoutMs: REQUEST_MS, lingerMs: 0, batchRecordsMax: RECORDS });
  const producer = await log.producer();
  await Promise.all(batches.map((events) => producer.send(topic, 0, events.map(outgoing))));
  await log.close();
};

/** A producer with several sends in flight for a partition. */
const concurrently: SendAll = async (brokers, topic, batches) => {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 10, retries: 10 } }).producer({
    idempotent: true,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  await Promise.all(
    batches.map((events) =>
      producer.send({
        topic,
        acks: -1,
        messages: events.map(outgoing).map(({ key, value, headers }) => ({
          partition: 0,
          key,
          value: value === null ? null : Buffer.from(value),
          ...(headers === undefined ? {} : { headers }),
        })),
      }),
    ),
  );
  await producer.disconnect();
};

describe.skipIf(kafka.skipped !== undefined)('with an answer of the broker lost, what is sent at a time for one partition', () => {
  let ledger: Ledger;
  let proxy: KafkaProxy;
  beforeEach(async () => {
    ledger = await openLedger();
    proxy = await startKafkaProxy(requireBrokers(kafka).join(','));
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  });

  /** From a sender through a bad network and Kafka into ClickHouse. */
  async function pass(sendAll: SendAll): Promise<void> {
    const prefix = ownPrefix('sends');
    const log = withGroupPrefix(openKafkaLog({ brokers: requireBrokers(kafka) }), prefix);
    const topics = topicNames(prefix);
    await createMissingTopics(log, topics, { partitions: 1, retentionMs: 3_600_000 });
    let answers = 0;
    proxy.decide(({ api, direction }) =>
      api === API.produce && direction === 'response' && (answers += 1) === LOST ? { kind: 'cut' } : PASS,
    );
    const batches = Array.from({ length: SENDS }, (_, send) => EVENTS.slice(send * RECORDS, (send + 1) * RECORDS));
    await sendAll(proxy.brokers, topics.usagePriced, batches);
    expect(answers).toBeGreaterThanOrEqual(LOST);

    const { store } = openStore(ledger.clickhouse);
    const partition = { topic: topics.usagePriced, partition: 0, epoch: 1 };
    await store.takeOver(partition);
    const reader = await log.reader({ topic: topics.usagePriced, partition: 0, from: 'start' });
    const { end } = await reader.range();
    for (let at = 0; at < end;) {
      const records = await reader.poll({ recordsMax: 1_000, bytesMax: 1_000_000, waitMs: 500 });
      if (records.length > 0) await store.write(partition, batchOfRecords(records));
      at = records.at(-1)?.offset === undefined ? at : (records.at(-1)?.offset ?? 0) + 1;
    }
    await log.close();
  }

  test('arrives, all of it and once', async () => {
    await pass(byOurLog);
    expect(await judged(ledger.clickhouse, EVENTS)).toEqual([]);
  });

  test('is acknowledged and lost where the sends are concurrent, and that is found', async () => {
    await pass(concurrently);
    expect(kinds(await judged(ledger.clickhouse, EVENTS))).toEqual([
      'numbers are missing',
      'the attempt is billed and not in the ledger',
      'the view completeness shows a difference',
    ]);
  });
});
