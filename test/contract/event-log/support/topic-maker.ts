/** Creates the topics of a check. */
import type { EventLog } from '@tokenledger/event-log';
import type { EventLogHarness } from '../check.ts';

const RETENTION_MS = 86_400_000;

export function topicMaker(log: () => EventLog): EventLogHarness['createTopic'] {
  return async (name, { partitions = 1, cleanup = 'time' } = {}) => {
    const topic = `test.${name}`;
    await log().createTopics([{ topic, partitions, cleanup, retentionMs: RETENTION_MS }]);
    return topic;
  };
}
