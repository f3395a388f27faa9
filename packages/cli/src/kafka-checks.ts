/** What `doctor` looks at in Kafka: that it answers, that the topics are there and belong together, and that what they hold is safe. */
import { AppError } from '@tokenledger/domain';
import { type KafkaTopicHealth, openKafkaLog, requireTopics, topicNames } from '@tokenledger/event-log';
import { createLogger } from '@tokenledger/runtime';
import { countNote } from './event-log.ts';
import { kafkaOptions } from './kafka-options.ts';
import type { Settings } from './settings.ts';

/** A check answers soon, or says that nobody does. */
const TIMEOUT_MS = 5_000;

/** Gives what is well; throws `CHECK_FAILED` with every fault, and what reaching Kafka and missing topics throw. */
export async function checkKafka(settings: Settings): Promise<string> {
  const { config } = settings;
  const topics = topicNames(config.log.topic_prefix);
  const log = openKafkaLog({ ...kafkaOptions(settings, createLogger({ level: 'silent', format: 'json' })), timeoutMs: TIMEOUT_MS });
  try {
    const partitions = await requireTopics(log, topics);
    const found = await Promise.all(Object.values(topics).map((topic: string) => log.topicHealth(topic)));
    const healths = found.filter((health) => health !== null);
    const faults = healths.flatMap(topicFaults);
    if (faults.length > 0) throw new AppError('CHECK_FAILED', faults.join('; '));
    const copies = Math.min(...healths.map(({ replicas }) => replicas));
    const count =
      partitions === config.log.partitions || !settings.origins.has('log.partitions')
        ? `${partitions} partitions`
        : countNote(partitions, config.log.partitions);
    return `${config.kafka.brokers.join(',')}: ${count}, ${copies === 1 ? 'one copy only: what a broker loses is lost' : `${copies} copies`}`;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'LOG_UNAVAILABLE') throw error;
    const where = config.kafka.brokers.join(', ');
    throw new AppError('CHECK_FAILED', `Kafka does not answer at ${where} (${error.message}): correct kafka.brokers, or start it`, {
      cause: error,
    });
  } finally {
    await log.close();
  }
}

/** One sentence for each thing that endangers what a topic holds, with its fix. */
export function topicFaults(health: KafkaTopicHealth): readonly string[] {
  const { topic, replicas, insyncReplicas, minInsyncReplicas } = health;
  const faults: string[] = [];
  if (insyncReplicas < minInsyncReplicas) {
    faults.push(
      `${topic} takes no records: ${insyncReplicas} of ${replicas} copies are in sync and ${minInsyncReplicas} must be; bring its brokers back`,
    );
  } else if (insyncReplicas < replicas) {
    faults.push(`${topic} has ${insyncReplicas} of ${replicas} copies in sync: look at its brokers`);
  }
  if (replicas > 1 && minInsyncReplicas < 2) {
    faults.push(`${topic} acknowledges records that one broker alone holds: set its min.insync.replicas to 2`);
  }
  if (!health.stampedByLog) faults.push(`${topic} is stamped by its senders: set its message.timestamp.type to LogAppendTime`);
  if (health.uncleanElection) {
    faults.push(`${topic} may lose acknowledged records to a replica that was behind: set its unclean.leader.election.enable to false`);
  }
  return faults;
}
