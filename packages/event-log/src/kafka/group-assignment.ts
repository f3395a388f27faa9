/** The leader's decision: who is to have which partition, and who may have it already now. */
import { assign } from '../local/assignment.ts';
import type { Partitions, Subscription } from './group-protocol.ts';

export interface Candidate extends Subscription {
  readonly memberId: string;
}

/** For each member what it may have in this generation. A partition that another member still has is given to nobody but that one, or, when it is
 *  to move, to nobody: its owner sees that it is not assigned any more, lets go and joins again, and only then somebody gets it. */
export function assignPartitions(
  candidates: readonly Candidate[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, Partitions> {
  const assigned = new Map(candidates.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
  // The order of the coordinator's list is no order.
  const members = candidates.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  for (const [topic, count] of partitionCounts) {
    const owners = ownersOf(topic, count, members);
    const subscribed = members.filter(({ topics }) => topics.includes(topic));
    const targets = assign(
      subscribed,
      owners.map((owner) => (owner !== null && subscribed.includes(owner) ? owner : null)),
    );
    for (const [partition, target] of targets.entries()) {
      const owner = owners[partition] ?? null;
      if (target === null || (owner !== null && owner !== target)) continue;
      const partitions = assigned.get(target.memberId);
      const numbers = partitions?.get(topic);
      if (numbers === undefined) partitions?.set(topic, [partition]);
      else numbers.push(partition);
    }
  }
  return assigned;
}

/** Of two members that claim a partition, the one that got it later has it: the other missed that it was taken away. */
function ownersOf(topic: string, count: number, members: readonly Candidate[]): (Candidate | null)[] {
  const owners: (Candidate | null)[] = Array.from({ length: count }, () => null);
  for (const member of members) {
    for (const partition of member.owned.get(topic) ?? []) {
      const other = owners[partition];
      if (partition < count && (other === null || (other !== undefined && other.generation < member.generation)))
        owners[partition] = member;
    }
  }
  return owners;
}
