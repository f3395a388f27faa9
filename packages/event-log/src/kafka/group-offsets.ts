/** What a group has committed: read, and set by an operator. */
import { AppError } from '@tokenledger/domain';
import { groupActive, partitionMissing } from '../local/backend.ts';
import type { CommittedOffset } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { kafkaErrorType } from './failures.ts';
import type { Partitions } from './group-protocol.ts';

/** The generation and the name of somebody who is no member. */
const NO_GENERATION = -1;
const NO_MEMBER = '';

/** By `topic/partition`; partitions without a commit are absent. Fails as the brokers do: for callers that try again. */
export async function fetchCommitted(
  cluster: Cluster,
  group: string,
  partitions: Partitions,
): Promise<ReadonlyMap<string, CommittedOffset>> {
  const topics = Array.from(partitions, ([topic, numbers]) => ({ topic, partitions: numbers.map((partition) => ({ partition })) }));
  const { responses } = await cluster.atCoordinator(group, 'offsets', (link) => link.send('OffsetFetch', { groupId: group, topics }));
  const committed = new Map<string, CommittedOffset>();
  for (const { topic, partitions: answered } of responses) {
    for (const { partition, offset, metadata } of answered) {
      if (Number(offset) >= 0) committed.set(`${topic}/${partition}`, { offset: Number(offset), metadata: metadata ?? '' });
    }
  }
  return committed;
}

/** Throws `TOPIC_MISSING`. */
export async function committedOffsets(cluster: Cluster, group: string, topic: string): Promise<ReadonlyMap<number, CommittedOffset>> {
  return cluster.persist(`reading the offsets of group ${group}`, async () => {
    cluster.forget(topic);
    const { leaders } = await cluster.topic(topic);
    const committed = await fetchCommitted(cluster, group, new Map([[topic, [...leaders.keys()]]]));
    return new Map(
      [...leaders.keys()].flatMap((partition) => {
        const one = committed.get(`${topic}/${partition}`);
        return one === undefined ? [] : [[partition, one] as const];
      }),
    );
  });
}

/** Throws `GROUP_ACTIVE`, `TOPIC_MISSING`, `PARTITION_MISSING`. */
export async function setCommittedOffset(
  cluster: Cluster,
  group: string,
  topic: string,
  partition: number,
  { offset, metadata }: CommittedOffset,
): Promise<void> {
  await cluster.persist(`setting an offset of group ${group}`, async () => {
    cluster.forget(topic);
    const { leaders } = await cluster.topic(topic);
    if (partition >= leaders.length) throw partitionMissing(topic, partition, leaders.length);
    const topics = [{ topic, partitions: [{ partition, offset: String(offset), metadata }] }];
    try {
      await cluster.atCoordinator(group, 'offsets', (link) =>
        link.send('OffsetCommit', { groupId: group, groupGenerationId: NO_GENERATION, memberId: NO_MEMBER, topics }),
      );
    } catch (error) {
      // A coordinator takes a stranger's commit only while the group has no members.
      const type = kafkaErrorType(error) ?? '';
      if (['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'].includes(type)) throw groupActive(group);
      throw commitRefused(error);
    }
  });
}

/** What no further attempt changes; the rest stays what it is. */
export function commitRefused(error: unknown): unknown {
  if (!(error instanceof Error) || kafkaErrorType(error) !== 'OFFSET_METADATA_TOO_LARGE') return error;
  return new AppError('OFFSET_METADATA_TOO_LARGE', `${error.message}: raise the brokers' offset.metadata.max.bytes.`, { cause: error });
}
