/** The topics of one ledger as a whole: making them, seeing that they belong together, and letting them grow. */
import { AppError } from '@tokenledger/domain';
import type { CommittedOffset, EventLog, OffsetRange, TopicDescription } from './port.ts';
import type { Consumer, Topics } from './topics.ts';
import { consumers, topicSpecs, usageTopics } from './topics.ts';

export interface TopicSetOptions {
  /** For topics that are made now; what exists keeps its count. */
  readonly partitions: number;
  readonly retentionMs: number;
}

/** Creates what is missing: usage topics with the count that those have which exist. Gives that count.
 *  Throws `USAGE_TOPICS_UNEQUAL`, `TOPIC_MISMATCH`. */
export async function createMissingTopics(log: EventLog, topics: Topics, options: TopicSetOptions): Promise<number> {
  const found = await describeAll(log, topics);
  const partitions = equalCount(topics, found) ?? options.partitions;
  const usage = new Set(usageTopics(topics));
  await log.createTopics(
    topicSpecs(topics, options).map((spec) => {
      if (usage.has(spec.topic)) return { ...spec, partitions };
      // Where a record stands in these does not matter to others, but for `control`: it is one log of changes.
      return spec.topic === topics.control ? spec : { ...spec, partitions: found.get(spec.topic)?.partitions ?? spec.partitions };
    }),
  );
  return partitions;
}

/** What every start asks for. Gives the partition count of the usage topics. Throws `TOPIC_MISSING`, `USAGE_TOPICS_UNEQUAL`. */
export async function requireTopics(log: EventLog, topics: Topics): Promise<number> {
  const found = await describeAll(log, topics);
  const missing = Object.values(topics).filter((topic) => !found.has(topic));
  const partitions = equalCount(topics, found);
  if (missing.length === 0 && partitions !== undefined) return partitions;
  const what = missing.length === 1 ? `topic ${missing[0]} is` : `topics ${missing.join(', ')} are`;
  throw new AppError('TOPIC_MISSING', `the ${what} missing: run \`tokenledger migrate\`, or correct the topic prefix`);
}

/** Raises every usage topic to `partitions`, the one that is written first as the last. Repeated after an interruption, it completes.
 *  Throws `TOPIC_MISMATCH` when one has more, `TOPIC_MISSING`. Whoever calls it has seen that all was read (`unread`). */
export async function growUsageTopics(log: EventLog, topics: Topics, partitions: number): Promise<void> {
  for (const topic of usageTopics(topics)) await log.growTopic(topic, partitions);
}

/** How far a group is behind in one partition of its topic. */
export interface Lag {
  readonly consumer: Consumer;
  readonly partition: number;
  readonly range: OffsetRange;
  /** Null when the group has committed nothing there. */
  readonly committed: CommittedOffset | null;
  /** Records that are kept and that the group has not committed. */
  readonly records: number;
}

/** Every partition of every group that the pipeline has. */
export async function lags(log: EventLog, topics: Topics): Promise<readonly Lag[]> {
  const perConsumer = await Promise.all(consumers(topics).map((consumer) => lagsOf(log, consumer)));
  return perConsumer.flat();
}

export async function lagsOf(log: EventLog, consumer: Consumer): Promise<readonly Lag[]> {
  // Offsets first: a commit in between makes the lag too large, never too small.
  const committed = await log.committedOffsets(consumer.group, consumer.topic);
  const ranges = await log.ranges(consumer.topic);
  return ranges.map((range, partition): Lag => {
    const own = committed.get(partition) ?? null;
    return { consumer, partition, range, committed: own, records: Math.max(0, range.end - Math.max(own?.offset ?? 0, range.start)) };
  });
}

async function describeAll(log: EventLog, topics: Topics): Promise<ReadonlyMap<string, TopicDescription>> {
  const descriptions = await Promise.all(Object.values(topics).map((topic: string) => log.describeTopic(topic)));
  return new Map(descriptions.filter((description) => description !== null).map((description) => [description.topic, description]));
}

/** Undefined when none of them exists. */
function equalCount(topics: Topics, found: ReadonlyMap<string, TopicDescription>): number | undefined {
  const counts = usageTopics(topics).flatMap((topic) => found.get(topic) ?? []);
  const most = Math.max(...counts.map(({ partitions }) => partitions));
  if (counts.every(({ partitions }) => partitions === most)) return counts[0]?.partitions;
  const listed = counts.map(({ topic, partitions }) => `${topic} ${partitions}`).join(', ');
  throw new AppError(
    'USAGE_TOPICS_UNEQUAL',
    `the usage topics have unequal partition counts (${listed}): a record keeps its partition number from topic to topic; stop all roles and run \`tokenledger topics grow --partitions ${most}\``,
  );
}
