/** Sends that share a batch: what one of them does wrong is not the others' failure. */
import { type EventLog, openKafkaLog, type OutgoingRecord } from '@tokenledger/event-log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';

const TOPIC_BYTES_MAX = 20_000;
const LINGER_MS = 30;

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('sends that share a batch', () => {
  const prefix = ownPrefix('batches');
  let log: EventLog;

  beforeAll(async () => {
    log = openKafkaLog({ brokers: requireBrokers(kafka), topicBatchBytesMax: TOPIC_BYTES_MAX, lingerMs: LINGER_MS });
  });
  afterAll(() => log.close());

  const topicOf = async (name: string, cleanup: 'time' | 'compact'): Promise<string> => {
    const topic = prefix + name;
    await log.createTopics([{ topic, partitions: 1, cleanup, retentionMs: 3_600_000 }]);
    return topic;
  };
  const record = (key: string | null, bytes = 10): OutgoingRecord => ({ key, value: Buffer.alloc(bytes) });
  const outcomes = async (topic: string, sends: readonly (readonly OutgoingRecord[])[]): Promise<string[]> => {
    const producer = await log.producer();
    const settled = await Promise.allSettled(sends.map((records) => producer.send(topic, 0, records)));
    await producer.close();
    return settled.map((one) => (one.status === 'fulfilled' ? String(one.value.baseOffset) : String(Object(one.reason).code)));
  };
  const keys = async (topic: string): Promise<(string | null)[]> => {
    const reader = await log.reader({ topic, partition: 0, from: 'start' });
    const records = await reader.poll({ recordsMax: 100, bytesMax: 1_000_000, waitMs: 2_000 });
    await reader.close();
    return records.map(({ key }) => key);
  };

  test('are each told where they landed', async () => {
    const topic = await topicOf('shared', 'time');
    expect(await outcomes(topic, [[record('a'), record('b')], [record('c')], [record('d'), record('e'), record('f')]])).toEqual([
      '0',
      '2',
      '3',
    ]);
    expect(await keys(topic)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('go alone when together they are too large for the topic, and only the one fails that is too large by itself', async () => {
    const topic = await topicOf('large', 'time');
    const sends = [[record('a', 8_000)], [record('b', 8_000)], [record('c', 30_000)], [record('d', 8_000)]];
    expect(await outcomes(topic, sends)).toEqual(['0', '1', 'RECORD_TOO_LARGE', '2']);
    expect(await outcomes(topic, [[record('e')]])).toEqual(['3']);
    expect(await keys(topic)).toEqual(['a', 'b', 'd', 'e']);
  });

  test('go alone when the broker refuses a record, and only the one fails that holds it', async () => {
    const topic = await topicOf('refused', 'compact');
    expect(await outcomes(topic, [[record('a')], [record('b'), record(null)], [record('c')]])).toEqual(['0', 'RECORD_REFUSED', '1']);
    expect(await keys(topic)).toEqual(['a', 'c']);
  });
});
