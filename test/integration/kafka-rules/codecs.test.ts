import { randomBytes } from 'node:crypto';
import { type Compression, COMPRESSIONS, type EventLog, type OutgoingRecord, openKafkaLog } from '@tokenledger/event-log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { API } from '../../support/kafka/protocol.ts';
import { PASS, startKafkaProxy } from '../../support/kafka/proxy.ts';
import { plainClient } from './plain-client.ts';
import { readStored } from './stored.ts';

const kafka = await sharedKafka();
const prefix = ownPrefix('codecs');

/** Text that shrinks, bytes that do not, next to nothing, and more than one block of any codec. */
const RECORDS: readonly OutgoingRecord[] = [
  { key: 'empty', value: Buffer.alloc(0), headers: { source: 's', sequence: '1' } },
  { key: 'ascii', value: Buffer.from('one event after another, '.repeat(20_000)) },
  { key: 'noise', value: randomBytes(200_000) },
  { key: null, value: null },
  { key: 'ümläut', value: Buffer.from('€'), headers: { trägt: '✓' } },
];

let log: EventLog;
beforeAll(() => {
  if (kafka.skipped === undefined) log = openKafkaLog({ brokers: requireBrokers(kafka) });
});
afterAll(() => log?.close());

/** A topic in which the broker keeps batches as they come (`producer`), or compresses them its own way. */
async function makeTopic(name: string, brokerCompression: 'producer' | 'uncompressed' | Exclude<Compression, 'none'>): Promise<string> {
  const topic = `${prefix}${name}`;
  await using client = plainClient(requireBrokers(kafka).join(','));
  const admin = await client.admin();
  const configEntries = [{ name: 'compression.type', value: brokerCompression }];
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
  return topic;
}

async function sendBy(compression: Compression, topic: string, brokers: readonly string[] = requireBrokers(kafka)): Promise<void> {
  const sender = openKafkaLog({ brokers, compression });
  try {
    const producer = await sender.producer();
    await producer.send(topic, 0, RECORDS);
    await producer.send(topic, 0, RECORDS.slice(0, 1));
  } finally {
    await sender.close();
  }
}

async function expectStored(topic: string): Promise<void> {
  const stored = await readStored(log, topic, 0);
  const expected = [...RECORDS, ...RECORDS.slice(0, 1)].map(({ key, value, headers }) => ({
    key,
    value: hex(value),
    headers: headers ?? {},
  }));
  expect(stored.map(({ key, value, headers }) => ({ key, value: hex(value), headers }))).toEqual(expected);
}

const hex = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString('hex'));

describe.skipIf(kafka.skipped !== undefined)('compression', () => {
  it.each(COMPRESSIONS)('by %s is read as it was sent', async (compression) => {
    const topic = await makeTopic(`kept-${compression}`, 'producer');
    await sendBy(compression, topic);
    await expectStored(topic);
  });

  it.each(COMPRESSIONS)('by %s is understood by the broker, which stores it uncompressed', async (compression) => {
    const topic = await makeTopic(`undone-${compression}`, 'uncompressed');
    await sendBy(compression, topic);
    await expectStored(topic);
  });

  it.each(COMPRESSIONS.filter((one) => one !== 'none'))('by %s in the broker is understood', async (compression) => {
    const topic = await makeTopic(`done-${compression}`, compression);
    await sendBy('none', topic);
    await expectStored(topic);
  });

  it.each(COMPRESSIONS.filter((one) => one !== 'none'))('by %s makes what is sent smaller', async (compression) => {
    const topic = await makeTopic(`small-${compression}`, 'producer');
    await using proxy = await startKafkaProxy(requireBrokers(kafka).join(','));
    let bytes = 0;
    proxy.decide(({ api, direction, frame }) => {
      if (api === API.produce && direction === 'request') bytes += frame.length;
      return PASS;
    });
    await sendBy(compression, topic, [proxy.brokers]);
    expect(bytes).toBeLessThan(300_000);
  });
});
