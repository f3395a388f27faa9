import type { Producer } from '@tokenledger/event-log';
import { openKafkaLog } from '@tokenledger/event-log';
import { describe, expect, it } from 'vitest';
import { type FakeCluster, startFakeCluster } from '../../support/kafka/fake-cluster.ts';
import { plainClient } from './plain-client.ts';

const topic = 'events';

/** As long as the log tries, in milliseconds. */
const TIMEOUT_MS = 1_000;

async function withLog<Result>(cluster: FakeCluster, use: (producer: Producer) => Promise<Result>): Promise<Result> {
  const log = openKafkaLog({ brokers: [cluster.brokers], timeoutMs: TIMEOUT_MS });
  try {
    return await use(await log.producer());
  } finally {
    await log.close();
  }
}

const value = (text: string) => [{ key: null, value: Buffer.from(text) }];

describe('a leader that moves in the middle of a send', () => {
  const moving = async (): Promise<FakeCluster> => {
    const cluster = await startFakeCluster({ nodes: 2, topics: { [topic]: [1, 2] } });
    cluster.onProduce(({ partition }) => {
      if (partition === 1) cluster.moveLeader(topic, 1, 1);
      return 'as usual';
    });
    return cluster;
  };

  it('gets all that the event log sends, since a send is for one partition', async () => {
    await using cluster = await moving();
    const landed = await withLog(cluster, (producer) =>
      Promise.all([0, 1].map((partition) => producer.send(topic, partition, value(`to ${partition}`)))),
    );
    expect(landed).toEqual([0, 1].map((partition) => ({ topic, partition, baseOffset: 0 })));
    expect([0, 1].map((partition) => cluster.stored(topic, partition))).toEqual([['to 0'], ['to 1']]);
  });

  it('makes kafkajs acknowledge what it never sent, when a send is for two partitions', async () => {
    await using cluster = await moving();
    await using client = plainClient(cluster.brokers);
    const producer = await client.producer();
    await producer.send({ topic, acks: -1, messages: [0, 1].map((partition) => ({ partition, value: `to ${partition}` })) });
    expect([0, 1].map((partition) => cluster.stored(topic, partition))).toEqual([['to 0'], []]);
  });
});

describe('a partition that the metadata lacks', () => {
  it('is refused by the event log', async () => {
    await using cluster = await startFakeCluster({ nodes: 1, topics: { [topic]: [1] } });
    await withLog(cluster, (producer) =>
      expect(producer.send(topic, 7, value('nowhere'))).rejects.toMatchObject({ code: 'PARTITION_MISSING' }),
    );
  });

  it('swallows what kafkajs acknowledges', async () => {
    await using cluster = await startFakeCluster({ nodes: 1, topics: { [topic]: [1] } });
    await using client = plainClient(cluster.brokers);
    const producer = await client.producer();
    expect(await producer.send({ topic, acks: -1, messages: [{ partition: 7, value: 'nowhere' }] })).toEqual([]);
  });
});

describe('an answer that does not say where the records landed', () => {
  it('is a failure to the event log, which sends again', async () => {
    await using cluster = await startFakeCluster({ nodes: 1, topics: { [topic]: [1] } });
    let left = 2;
    cluster.onProduce(() => ((left -= 1) >= 0 ? 'leave out' : 'as usual'));
    await withLog(cluster, (producer) => producer.send(topic, 0, value('one')));
    expect(cluster.stored(topic, 0)).toEqual(['one']);
  });

  it('is a failure to the caller of the event log when it stays so', async () => {
    await using cluster = await startFakeCluster({ nodes: 1, topics: { [topic]: [1] } });
    cluster.onProduce(() => 'leave out');
    await withLog(cluster, (producer) =>
      expect(producer.send(topic, 0, value('one'))).rejects.toMatchObject({ code: 'SEND_UNACKNOWLEDGED', retryable: true }),
    );
  });

  it('passes for success in kafkajs', async () => {
    await using cluster = await startFakeCluster({ nodes: 1, topics: { [topic]: [1] } });
    cluster.onProduce(() => 'leave out');
    await using client = plainClient(cluster.brokers);
    const producer = await client.producer();
    expect(await producer.send({ topic, acks: -1, messages: [{ partition: 0, value: 'one' }] })).toEqual([]);
    expect(cluster.stored(topic, 0)).toEqual([]);
  });
});
