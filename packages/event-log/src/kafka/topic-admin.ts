/** Topics: created with what the pipeline relies on, described, grown. */
import { AppError } from '@tokenledger/domain';
import { topicMissing } from '../local/backend.ts';
import type { TopicDescription, TopicSpec } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { kafkaErrorType } from './failures.ts';
import type { Link } from './link.ts';

const TOPIC_RESOURCE = 2;
const REPLICAS_MAX = 3;
/** With fewer, a single broker's failure would stop all sends. */
const REPLICAS_FOR_TWO_IN_SYNC = 3;

/** Throws `TOPIC_MISMATCH`. */
export async function createTopics(cluster: Cluster, specs: readonly TopicSpec[]): Promise<void> {
  const found = await Promise.all(specs.map(({ topic }) => describeTopic(cluster, topic)));
  const missing = specs.filter((spec, index) => {
    const description = found[index];
    if (description === null || description === undefined) return true;
    checkSame(spec, description);
    return false;
  });
  for (const spec of missing) await createTopic(cluster, spec);
}

/** How long a record of a compacted topic stays, whatever comes after it. */
const COMPACTION_LAG_MS = 3_600_000;

async function createTopic(cluster: Cluster, spec: TopicSpec): Promise<void> {
  await cluster.persist(`creating topic ${spec.topic}`, async () => {
    // Tells who the controller is now, too. An attempt whose answer was lost may have created it.
    if ((await cluster.lookUp(spec.topic)) !== null) return;
    const replicationFactor = cluster.settings.replicationFactor ?? Math.min(REPLICAS_MAX, Math.max(1, cluster.brokers.count));
    const minInsyncReplicas = cluster.settings.minInsyncReplicas ?? (replicationFactor >= REPLICAS_FOR_TWO_IN_SYNC ? 2 : 1);
    const configEntries = [
      { name: 'cleanup.policy', value: spec.cleanup === 'time' ? 'delete' : 'compact' },
      // Otherwise a sender whose clock is wrong would decide what expires, or be refused.
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      { name: 'min.insync.replicas', value: String(minInsyncReplicas) },
      { name: 'max.message.bytes', value: String(cluster.settings.topicBatchBytesMax) },
      // Records missing in the middle of what was acknowledged are worse than a partition that waits for its replicas.
      { name: 'unclean.leader.election.enable', value: 'false' },
      spec.cleanup === 'time'
        ? { name: 'retention.ms', value: String(spec.retentionMs) }
        : // What a former owner wrote too late must be answered before it can outdate what holds.
          { name: 'min.compaction.lag.ms', value: String(COMPACTION_LAG_MS) },
    ];
    const topics = [{ topic: spec.topic, numPartitions: spec.partitions, replicationFactor, configEntries }];
    try {
      await atController(cluster, (link) =>
        link.send('CreateTopics', { topics, validateOnly: false, timeout: cluster.settings.requestTimeoutMs }),
      );
    } catch (error) {
      const cause = firstOf(error);
      const type = kafkaErrorType(cause);
      if (type !== 'TOPIC_ALREADY_EXISTS') throw refused(`Topic ${spec.topic} is not created`, cause);
    }
  });
  await untilLed(cluster, spec.topic, spec.partitions);
  const description = await describeTopic(cluster, spec.topic);
  if (description !== null) checkSame(spec, description);
}

/** Null when the topic does not exist. */
export async function describeTopic(cluster: Cluster, topic: string): Promise<TopicDescription | null> {
  return cluster.persist(`describing topic ${topic}`, async () => {
    const known = await cluster.lookUp(topic);
    if (known === null) return null;
    const cleanup = await cleanupOf(cluster, topic);
    return cleanup === null ? null : { topic, partitions: known.leaders.length, cleanup };
  });
}

async function cleanupOf(cluster: Cluster, topic: string): Promise<TopicDescription['cleanup'] | null> {
  const settings = await settingsOf(cluster, topic, ['cleanup.policy']);
  if (settings === null) return null;
  return (settings.get('cleanup.policy') ?? 'delete').split(',').includes('compact') ? 'compact' : 'time';
}

/** Null when the topic does not exist. */
async function settingsOf(cluster: Cluster, topic: string, configNames: readonly string[]): Promise<ReadonlyMap<string, string> | null> {
  try {
    const { resources } = await cluster.anyBroker((link) =>
      link.send('DescribeConfigs', { resources: [{ type: TOPIC_RESOURCE, name: topic, configNames }], includeSynonyms: false }),
    );
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.flatMap(({ configName, configValue }) => (configValue === null ? [] : [[configName, configValue]])));
  } catch (error) {
    if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null;
    throw error;
  }
}

/** What of a topic decides whether its records are safe: for whoever checks a cluster. */
export interface KafkaTopicHealth {
  readonly topic: string;
  /** Copies of the partition that has the fewest, and of the one that has the fewest in sync. */
  readonly replicas: number;
  readonly insyncReplicas: number;
  readonly minInsyncReplicas: number;
  /** Whether the broker stamps records; otherwise a sender whose clock is wrong decides what expires. */
  readonly stampedByLog: boolean;
  /** Whether a replica that lacks acknowledged records may take over. */
  readonly uncleanElection: boolean;
}

/** Null when the topic does not exist. */
export async function topicHealth(cluster: Cluster, topic: string): Promise<KafkaTopicHealth | null> {
  return cluster.persist(`looking at topic ${topic}`, async () => {
    const known = await cluster.lookUp(topic);
    const settings = await settingsOf(cluster, topic, ['min.insync.replicas', 'message.timestamp.type', 'unclean.leader.election.enable']);
    if (known === null || settings === null) return null;
    return {
      topic,
      replicas: known.replicas,
      insyncReplicas: known.insyncReplicas,
      minInsyncReplicas: Number(settings.get('min.insync.replicas')),
      stampedByLog: settings.get('message.timestamp.type') === 'LogAppendTime',
      uncleanElection: settings.get('unclean.leader.election.enable') === 'true',
    };
  });
}

/** Throws `TOPIC_MISSING`, `TOPIC_MISMATCH`. */
export async function growTopic(cluster: Cluster, topic: string, partitions: number): Promise<void> {
  const description = await describeTopic(cluster, topic);
  if (description === null) throw topicMissing(topic);
  if (description.partitions === partitions) return;
  if (description.partitions > partitions) {
    throw new AppError('TOPIC_MISMATCH', `Topic ${topic} has ${description.partitions} partitions: it cannot shrink to ${partitions}.`);
  }
  await cluster.persist(`growing topic ${topic}`, async () => {
    // Tells who the controller is now, too. An attempt whose answer was lost may have grown it.
    if ((await cluster.lookUp(topic))?.leaders.length === partitions) return;
    try {
      await atController(cluster, (link) =>
        link.send('CreatePartitions', {
          topicPartitions: [{ topic, count: partitions }],
          validateOnly: false,
          timeout: cluster.settings.requestTimeoutMs,
        }),
      );
    } catch (error) {
      throw refused(`Topic ${topic} is not grown`, error);
    }
  });
  await untilLed(cluster, topic, partitions);
}

/** The controller as the last answer about a topic named it. */
async function atController<Result>(cluster: Cluster, ask: (link: Link) => Promise<Result>): Promise<Result> {
  return ask(cluster.link(cluster.brokers.controllerId, 'general'));
}

/** Resolves once every partition has a leader. */
async function untilLed(cluster: Cluster, topic: string, partitions: number): Promise<void> {
  await cluster.persist(`waiting for topic ${topic}`, async () => {
    const known = await cluster.lookUp(topic);
    if (known === null || known.leaders.length < partitions || known.leaders.includes(-1))
      throw new Error('not every partition has a leader yet');
  });
}

const REFUSALS = new Set([
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_CONFIG',
  'INVALID_REQUEST',
  'POLICY_VIOLATION',
]);

/** What no further attempt changes becomes `TOPIC_REFUSED`; the rest stays what it is. */
function refused(what: string, error: unknown): unknown {
  if (!(error instanceof Error) || !REFUSALS.has(kafkaErrorType(error) ?? '')) return error;
  return new AppError('TOPIC_REFUSED', `${what}: ${error.message}`, { cause: error });
}

/** kafkajs gathers the failures of several topics; here is always one. */
function firstOf(error: unknown): unknown {
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) {
    const [first]: readonly unknown[] = error.errors;
    return first ?? error;
  }
  return error;
}

function checkSame(wanted: TopicSpec, found: TopicDescription): void {
  if (found.partitions === wanted.partitions && found.cleanup === wanted.cleanup) return;
  const describe = (spec: TopicDescription): string => `${spec.partitions} partitions and cleanup by ${spec.cleanup}`;
  throw new AppError(
    'TOPIC_MISMATCH',
    `Topic ${wanted.topic} has ${describe(found)}, not ${describe(wanted)}: correct the setting, or recreate the topic.`,
  );
}
