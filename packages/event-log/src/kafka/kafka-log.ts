/** The event log on Apache Kafka: kafkajs's connections and protocol under an adapter of our own, since what kafkajs makes of them loses records. */
import type { EventLog, TopicSpec } from '../port.ts';
import { Cluster, parseAddress } from './cluster.ts';
import { Fetcher, readRanges } from './fetcher.ts';
import { Senders } from './kafka-producer.ts';
import { kafkaReader } from './kafka-reader.ts';
import { kafkaSettings, type KafkaLogOptions } from './options.ts';
import { createTopics, describeTopic, growTopic, type KafkaTopicHealth, topicHealth } from './topic-admin.ts';
import { joinGroup } from './group-member.ts';
import { committedOffsets, setCommittedOffset } from './group-offsets.ts';

/** The port, and what an operator may ask of Kafka. */
export interface KafkaLog extends EventLog {
  /** Null when the topic does not exist. */
  topicHealth(topic: string): Promise<KafkaTopicHealth | null>;
}

/** Connects when it is first asked for something. Throws `LOG_ADDRESS_INVALID`. */
export function openKafkaLog(options: KafkaLogOptions): KafkaLog {
  options.brokers.forEach(parseAddress);
  const cluster = new Cluster(kafkaSettings(options));
  const senders = new Senders(cluster);
  const fetcher = new Fetcher(cluster);
  const memberships = new Set<() => Promise<void>>();
  return {
    createTopics: (specs: readonly TopicSpec[]) => createTopics(cluster, specs),
    describeTopic: (topic) => describeTopic(cluster, topic),
    topicHealth: (topic) => topicHealth(cluster, topic),
    growTopic: (topic, partitions) => growTopic(cluster, topic, partitions),
    ranges: (topic) => readRanges(cluster, topic),
    committedOffsets: (group, topic) => committedOffsets(cluster, group, topic),
    setCommittedOffset: (group, topic, partition, committed) => setCommittedOffset(cluster, group, topic, partition, committed),
    producer: async () => {
      cluster.assertOpen();
      return senders.producer();
    },
    join: async (joinOptions) => {
      const membership = await joinGroup(cluster, fetcher, joinOptions);
      const close = async (): Promise<void> => {
        await membership.close();
        memberships.delete(close);
      };
      memberships.add(close);
      return { close };
    },
    reader: (readerOptions) => kafkaReader(cluster, fetcher, readerOptions),
    close: async () => {
      await Promise.allSettled(Array.from(memberships, (leave) => leave()));
      cluster.close();
    },
  };
}
