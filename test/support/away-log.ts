/** A log that can go away for those who send: every send fails, as retryable, until it is back. */
import { AppError } from '@tokenledger/domain';
import type { EventLog } from '@tokenledger/event-log';

export interface AwayLog {
  /** Sends fail while it is true. */
  away: boolean;
  wrap(log: EventLog): EventLog;
}

export function awayLog(): AwayLog {
  const state: AwayLog = {
    away: false,
    wrap: (log) => ({
      createTopics: (specs) => log.createTopics(specs),
      describeTopic: (topic) => log.describeTopic(topic),
      growTopic: (topic, partitions) => log.growTopic(topic, partitions),
      ranges: (topic) => log.ranges(topic),
      committedOffsets: (group, topic) => log.committedOffsets(group, topic),
      setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
      join: (options) => log.join(options),
      reader: (options) => log.reader(options),
      close: () => log.close(),
      producer: async () => {
        const producer = await log.producer();
        return {
          close: () => producer.close(),
          send: async (topic, partition, records) => {
            if (state.away) throw new AppError('LOG_UNAVAILABLE', 'the log is away', { retryable: true });
            return producer.send(topic, partition, records);
          },
        };
      },
    }),
  };
  return state;
}
