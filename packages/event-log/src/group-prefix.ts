/** One log whose groups carry a prefix: what keeps two ledgers on one cluster apart, as the prefix of the topics does. */
import type { EventLog } from './port.ts';

/** `prefix` is put before the name of every group, and shows nowhere else. */
export function withGroupPrefix(log: EventLog, prefix: string): EventLog {
  return {
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(`${prefix}${group}`, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(`${prefix}${group}`, topic, partition, committed),
    producer: () => log.producer(),
    join: (options) => log.join({ ...options, group: `${prefix}${options.group}` }),
    reader: (options) => log.reader(options),
    close: () => log.close(),
  };
}
