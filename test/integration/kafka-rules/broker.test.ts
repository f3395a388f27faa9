import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { containersAnswer } from '../../support/kafka/machine.ts';
import { startContainerKafka } from '../../support/kafka/container-kafka.ts';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { answers } from '../../support/kafka/readiness.ts';

const kafka = await sharedKafka();

describe.skipIf(kafka.skipped !== undefined)('the Kafka of a run', () => {
  it('takes topics, records and their readers', async () => {
    const client = new Kafka({ clientId: 'broker-test', brokers: [...requireBrokers(kafka)], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    try {
      const topic = `${ownPrefix('broker')}records`;
      await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }], waitForLeaders: true });
      const ends = await admin.fetchTopicOffsets(topic);
      expect(new Map(ends.map(({ partition, high }) => [partition, high]))).toEqual(
        new Map([
          [0, '0'],
          [1, '0'],
        ]),
      );
      await admin.deleteTopics({ topics: [topic] });
    } finally {
      await admin.disconnect();
    }
  });

  it('is the same one for everybody who asks', async () => {
    expect(await sharedKafka()).toEqual(kafka);
  });
});

const containers = await containersAnswer();

it.skipIf(!containers)('a container answers as the broker that it is (skipped: needs a container runtime)', async () => {
  await using container = await startContainerKafka();
  expect(await answers(container.brokers)).toBe(true);
});
