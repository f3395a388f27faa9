/** The Kafka log on a shared broker, with topics and groups that nobody else has, and a network that can be cut. */
import { type EventLog, type KafkaLogOptions, openKafkaLog, systemPacing } from '@tokenledger/event-log';
import { type Admin, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { cuttableNetwork } from '../../../support/cuttable-network.ts';
import { ownPrefix } from '../../../support/kafka/index.ts';
import type { EventLogHarness } from '../check.ts';
import { eventually } from './eventually.ts';
import { SinkTwin } from './sink-twin.ts';

const RECORD_BYTES_MAX = 100_000;
const RETENTION_MS = 86_400_000;

/** Short waits: a check goes through many deaths and handovers. */
const QUICK: Partial<KafkaLogOptions> = {
  recordBytesMax: RECORD_BYTES_MAX,
  timeoutMs: 1_500,
  lingerMs: 0,
  heartbeatMs: 50,
  handoverWaitMs: 50,
  fetchPauseMs: 1,
};

export async function kafkaHarness(brokers: readonly string[]): Promise<EventLogHarness> {
  const prefix = ownPrefix('contract');
  const network = cuttableNetwork();
  const kafka = new Kafka({ clientId: 'contract', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const open = () => openKafkaLog({ brokers, ...QUICK, connect: network.connect });
  let log = open();
  return {
    get log() {
      return withOwnGroups(log, prefix);
    },
    pacing: systemPacing,
    recordBytesMax: RECORD_BYTES_MAX,
    createTopic: async (name, { partitions = 1, cleanup = 'time' } = {}) => {
      const topic = `${prefix}${name}`;
      await log.createTopics([{ topic, partitions, cleanup, retentionMs: RETENTION_MS }]);
      return topic;
    },
    deleteTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
    deleteRecords: async (topic, partition, offset) => {
      // kafkajs deletes only from topics that it was asked about before.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    compact: (topic) => compact(admin, log, topic),
    goAway: async () => network.cut(),
    comeBack: async () => network.mend(),
    restart: async () => {
      await log.close();
      log = open();
    },
    sinkStore: () => new SinkTwin({ pacing: systemPacing }),
    close: async () => {
      network.mend();
      await log.close();
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
      await admin.disconnect();
    },
  };
}

function withOwnGroups(log: EventLog, prefix: string): EventLog {
  return {
    ...log,
    join: (options) => log.join({ ...options, group: prefix + options.group }),
    committedOffsets: (group, topic) => log.committedOffsets(prefix + group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(prefix + group, topic, partition, committed),
  };
}

const FILLER_KEY = 'filler';

/** The cleaner leaves the segment alone that is being written: the next append must begin another. */
async function compact(admin: Admin, log: EventLog, topic: string): Promise<void> {
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
          { name: 'segment.ms', value: '1' },
          { name: 'min.cleanable.dirty.ratio', value: '0' },
        ],
      },
    ],
  });
  const producer = await log.producer();
  await systemPacing.wait(10);
  await producer.send(topic, 0, [{ key: FILLER_KEY, value: null }]);
  await eventually({ pacing: systemPacing }, `the compaction of ${topic}`, async () => {
    const reader = await log.reader({ topic, partition: 0, from: 'start' });
    const { end } = await reader.range();
    const keys: (string | null)[] = [];
    for (let next = 0; next < end;) {
      const records = await reader.poll({ recordsMax: 1_000, bytesMax: 1_000_000, waitMs: 1_000 });
      keys.push(...records.map(({ key }) => key).filter((key) => key !== FILLER_KEY));
      next = (records.at(-1)?.offset ?? end) + 1;
    }
    await reader.close();
    return new Set(keys).size === keys.length;
  });
  await producer.close();
}
