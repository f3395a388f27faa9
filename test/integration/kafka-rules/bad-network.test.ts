import { openKafkaLog, type OutgoingRecord } from '@tokenledger/event-log';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { API } from '../../support/kafka/protocol.ts';
import { type Exchange, type Fate, type KafkaProxy, PASS, startKafkaProxy } from '../../support/kafka/proxy.ts';
import { waitFor } from '../../support/wait-for.ts';
import { readTexts } from './stored.ts';
import { plainClient } from './plain-client.ts';

const kafka = await sharedKafka();
const prefix = ownPrefix('network');
const SENDS = 10;
const RECORDS = 10;
const PARTITIONS = 2;
const REQUEST_MS = 300;

/** What may befall a request to produce or the answer to it: by its number. */
type Trouble = ReadonlyMap<number, { readonly direction: Exchange['direction']; readonly kind: 'lose' | 'cut' | 'silence' | 'delay' }>;

const trouble: fc.Arbitrary<Trouble> = fc
  .array(
    fc.tuple(
      fc.integer({ min: 1, max: 12 }),
      fc.record({
        direction: fc.constantFrom('request' as const, 'response' as const),
        kind: fc.constantFrom('lose' as const, 'cut' as const, 'silence' as const, 'delay' as const),
      }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((entries) => new Map(entries));

describe.skipIf(kafka.skipped !== undefined)('on a network that loses, cuts, falls silent and delays', () => {
  let proxy: KafkaProxy;
  let topics = 0;
  beforeAll(async () => {
    proxy = await startKafkaProxy(requireBrokers(kafka).join(','));
  });
  afterAll(() => proxy[Symbol.asyncDispose]());

  async function newTopic(): Promise<string> {
    const topic = `${prefix}${(topics += 1)}`;
    const log = openKafkaLog({ brokers: requireBrokers(kafka) });
    await log.createTopics([{ topic, partitions: PARTITIONS, cleanup: 'time', retentionMs: 3_600_000 }]);
    await log.close();
    return topic;
  }

  it('the event log stores what it acknowledges once and in order, however many sends are made at a time', async () => {
    await fc.assert(
      fc.asyncProperty(trouble, async (befalls) => {
        const topic = await newTopic();
        proxy.decide(befalling(befalls));
        const log = openKafkaLog({ brokers: [proxy.brokers], requestTimeoutMs: REQUEST_MS, lingerMs: 0, batchRecordsMax: RECORDS });
        const producer = await log.producer();
        const sent = Array.from({ length: PARTITIONS }, (_, partition) => partition).map(async (partition) => {
          const values = Array.from({ length: SENDS }, (_, send) => Array.from({ length: RECORDS }, (_, record) => `${send}.${record}`));
          const landed = await Promise.all(values.map((texts) => producer.send(topic, partition, recordsOf(texts))));
          expect(await readTexts(requireBrokers(kafka), topic, partition)).toEqual(values.flat());
          expect(landed.map(({ baseOffset }) => baseOffset)).toEqual(values.map((_, send) => send * RECORDS));
        });
        await Promise.all(sent);
        await log.close();
      }),
      { numRuns: 12 },
    );
  });

  it.each(['lose', 'cut', 'silence'] as const)('a reader of the event log goes on after its connection met with: %s', async (kind) => {
    const topic = await newTopic();
    const log = openKafkaLog({ brokers: [proxy.brokers], requestTimeoutMs: REQUEST_MS, fetchWaitMs: 100 });
    const writer = openKafkaLog({ brokers: requireBrokers(kafka) });
    try {
      const reader = await log.reader({ topic, partition: 0, from: 'start' });
      const producer = await writer.producer();
      let befallen = false;
      // The first answer that would bring a record.
      proxy.decide(({ api, direction, frame }) => {
        if (befallen || api !== API.fetch || direction !== 'response' || !frame.includes('record 1')) return PASS;
        befallen = true;
        return { kind };
      });
      await producer.send(topic, 0, recordsOf(['record 1']));
      const read: string[] = [];
      const readUntil = (count: number): Promise<true> =>
        waitFor(
          async () => {
            const records = await reader.poll({ recordsMax: 10, bytesMax: 100_000, waitMs: 200 });
            read.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
            return read.length >= count;
          },
          { timeoutMs: 20_000, describe: `${count} records` },
        );
      await readUntil(1);
      await producer.send(topic, 0, recordsOf(['record 2', 'record 3']));
      await readUntil(3);
      expect(befallen).toBe(true);
      expect(read).toEqual(['record 1', 'record 2', 'record 3']);
    } finally {
      await Promise.all([log.close(), writer.close()]);
    }
  });

  it('kafkajs acknowledges ten records that it lost, with several sends in flight and one answer gone', async () => {
    const topic = await newTopic();
    await using client = plainClient(proxy.brokers);
    const producer = await client.producer({ idempotent: true });
    let answers = 0;
    proxy.decide(({ api, direction }) =>
      api === API.produce && direction === 'response' && (answers += 1) === 3 ? { kind: 'cut' } : PASS,
    );
    const acknowledged: string[] = [];
    await Promise.all(
      Array.from({ length: SENDS }, async (_, send) => {
        const texts = Array.from({ length: RECORDS }, (_, record) => `${send}.${record}`);
        await producer.send({ topic, acks: -1, messages: texts.map((text) => ({ partition: 0, value: text })) });
        acknowledged.push(...texts);
      }),
    );
    expect(acknowledged).toHaveLength(SENDS * RECORDS);
    const stored = await readTexts(requireBrokers(kafka), topic, 0);
    expect(acknowledged.filter((text) => !stored.includes(text))).toHaveLength(RECORDS);
  });
});

function recordsOf(texts: readonly string[]): readonly OutgoingRecord[] {
  return texts.map((text) => ({ key: null, value: Buffer.from(text) }));
}

function befalling(befalls: Trouble): (exchange: Exchange) => Fate {
  const seen = { request: 0, response: 0 };
  return ({ api, direction }) => {
    if (api !== API.produce) return PASS;
    seen[direction] += 1;
    const fate = befalls.get(seen[direction]);
    if (fate === undefined || fate.direction !== direction) return PASS;
    // Longer than a request waits for its answer.
    if (fate.kind === 'delay') return { kind: 'delay', until: new Promise((resolve) => setTimeout(resolve, 2 * REQUEST_MS)) };
    return { kind: fate.kind };
  };
}
