import { type CommittedOffset, type EventLog, type KafkaLogOptions, type OwnedPartition, openKafkaLog } from '@tokenledger/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { API } from '../../support/kafka/protocol.ts';
import { PASS, startKafkaProxy } from '../../support/kafka/proxy.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type PlainClient, plainClient } from './plain-client.ts';

const kafka = await sharedKafka();
const prefix = ownPrefix('reading');
const HOUR_MS = 3_600_000;
const POLL = { recordsMax: 100, bytesMax: 1_000_000, waitMs: 1_000 } as const;
const WAIT = { timeoutMs: 30_000 } as const;

let number = 0;
let names: { readonly topic: string; readonly group: string };
let log: EventLog;
let plain: PlainClient;

beforeEach(async () => {
  if (kafka.skipped !== undefined) return;
  number += 1;
  names = { topic: `${prefix}topic-${number}`, group: `${prefix}group-${number}` };
  log = open();
  plain = plainClient(requireBrokers(kafka).join(','));
  await log.createTopics([{ topic: names.topic, partitions: 1, cleanup: 'time', retentionMs: HOUR_MS }]);
  const producer = await log.producer();
  await producer.send(
    names.topic,
    0,
    Array.from({ length: 10 }, (_, index) => ({ key: null, value: Buffer.from(String(index)) })),
  );
});
afterEach(async () => {
  await log?.close();
  await plain?.[Symbol.asyncDispose]();
});

function open(options: Partial<KafkaLogOptions> = {}): EventLog {
  return openKafkaLog({ brokers: requireBrokers(kafka), ...options });
}

/** Joins the group with a run that only waits; resolves with the partition once it is owned. */
async function own(member: EventLog): Promise<OwnedPartition> {
  const owned = Promise.withResolvers<OwnedPartition>();
  await member.join({
    group: names.group,
    topics: [names.topic],
    run: (partition) => {
      owned.resolve(partition);
      return new Promise((resolve) => partition.signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    onError: owned.reject,
  });
  return owned.promise;
}

const committed = async (): Promise<CommittedOffset | undefined> => (await log.committedOffsets(names.group, names.topic)).get(0);

describe.skipIf(kafka.skipped !== undefined)('a committed offset below the beginning of the log', () => {
  beforeEach(async () => {
    await log.setCommittedOffset(names.group, names.topic, 0, { offset: 3, metadata: '' });
    const admin = await plain.admin();
    // It knows no topic before it was asked about it.
    await admin.fetchTopicOffsets(names.topic);
    await admin.deleteTopicRecords({ topic: names.topic, partitions: [{ partition: 0, offset: '6' }] });
  });

  it('stops the event log, and stays as it is', async () => {
    const partition = await own(log);
    await expect(partition.poll(POLL)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await expect(partition.poll(POLL)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect(await committed()).toMatchObject({ offset: 3 });
  });

  it('makes kafkajs read on behind the gap without a word', async () => {
    const consumer = await plain.consumer(names.group);
    const read: string[] = [];
    await consumer.subscribe({ topic: names.topic, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void read.push(message.offset) });
    await waitFor(() => read.length > 0, { ...WAIT, describe: 'a record' });
    expect(read[0]).toBe('6');
  });
});

describe.skipIf(kafka.skipped !== undefined)('an owner that lost its partition while it committed', () => {
  it('is refused by the event log, and its successor’s commit stays', async () => {
    await using proxy = await startKafkaProxy(requireBrokers(kafka).join(','));
    const cutOff = open({ brokers: [proxy.brokers], sessionTimeoutMs: 1_500, heartbeatMs: 200, handoverWaitMs: 200 });
    const successor = open({ sessionTimeoutMs: 1_500, heartbeatMs: 200, handoverWaitMs: 200 });
    try {
      const before = await own(cutOff);
      // Its commit is on the way when the brokers stop to hear from it, and arrives after another has taken over.
      const released = Promise.withResolvers<void>();
      proxy.decide(({ api, direction }) => {
        if (direction === 'request' && api === API.offsetCommit) return { kind: 'delay', until: released.promise };
        return direction === 'request' && (api === API.heartbeat || api === API.joinGroup) ? { kind: 'lose' } : PASS;
      });
      const late = before.commit({ offset: 2, metadata: 'late' }).catch((error: unknown) => error);
      const after = await own(successor);
      await after.commit({ offset: 5, metadata: 'new' });
      released.resolve();
      expect(await late).toMatchObject({ code: 'OWNERSHIP_LOST' });
      expect(before.signal.aborted).toBe(true);
      expect(await committed()).toEqual({ offset: 5, metadata: 'new' });
    } finally {
      await Promise.all([cutOff.close(), successor.close()]);
    }
  });

  it('overwrites its successor’s commit when it commits by a transaction of kafkajs', async () => {
    const owner = await own(log);
    await owner.commit({ offset: 5, metadata: 'new' });
    const stranger = await plain.transactionalProducer(`${names.group}-transactions`);
    const transaction = await stranger.transaction();
    await transaction.sendOffsets({
      consumerGroupId: names.group,
      topics: [{ topic: names.topic, partitions: [{ partition: 0, offset: '2' }] }],
    });
    await transaction.commit();
    await waitFor(async () => (await committed())?.offset === 2, { ...WAIT, describe: 'the commit of somebody who owns nothing' });
  });
});
