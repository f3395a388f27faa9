/** The conversation of one member with its group's coordinator: joining, heartbeats, commits, leaving. */
import type { CommittedOffset } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { kafkaErrorType } from './failures.ts';
import { assignPartitions } from './group-assignment.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  PROTOCOL_NAME,
  PROTOCOL_TYPE,
  type Partitions,
} from './group-protocol.ts';
import type { Link } from './link.ts';

/** On top of the handover: how long members may take to hear of a rebalance and join again. */
const REJOIN_MS = 5_000;
const LEAVE_MS_MAX = 1_000;

/** Under which name and generation a commit is made. */
export interface Standing {
  readonly memberId: string;
  readonly generation: number;
}

let sessions = 0;

export class GroupSession {
  readonly #cluster: Cluster;
  readonly #group: string;
  readonly #topics: readonly string[];
  /** A connection of its own: the answer to a join waits for all members. */
  readonly #purpose = `member ${(sessions += 1)}`;
  readonly #closing = new AbortController();
  #memberId = '';
  #generation = -1;
  #leads = false;
  #partitionCounts: ReadonlyMap<string, number> = new Map();
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster, group: string, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#group = group;
    this.#topics = topics;
  }

  get standing(): Standing {
    return { memberId: this.#memberId, generation: this.#generation };
  }

  /** This member decides who has what. */
  get leads(): boolean {
    return this.#leads;
  }

  /** The coordinator has not been heard of for so long that it may have given the partitions to others. */
  get over(): boolean {
    return this.#cluster.settings.pacing.nowMs() - this.#heardMs >= this.#cluster.settings.sessionTimeoutMs;
  }

  /** What was had is not had any more; the next join begins anew, under a new name unless the old one is `known`. */
  forget(known: boolean): void {
    this.#generation = -1;
    if (!known) this.#memberId = '';
  }

  /** Waits for all members. `beforeStanding` is told what is assigned before any commit can be made under the new generation. */
  async join(owned: Partitions, beforeStanding: (assigned: Partitions) => void): Promise<Partitions> {
    const { pacing } = this.#cluster.settings;
    const askedMs = pacing.nowMs();
    const metadata = encodeSubscription({ topics: this.#topics, owned, generation: this.#generation });
    const joined = await this.#atCoordinator((link) => this.#join(link, metadata));
    const { memberId, generationId } = joined;
    this.#memberId = memberId;
    this.#leads = joined.leaderId === memberId;
    const groupAssignment = this.#leads ? await this.#assign(joined.members) : [];
    const { memberAssignment } = await this.#atCoordinator((link) =>
      link.send('SyncGroup', { groupId: this.#group, memberId, generationId, groupAssignment }),
    );
    const assigned = decodeAssignment(memberAssignment);
    beforeStanding(assigned);
    this.#generation = generationId;
    this.#heardMs = Math.max(this.#heardMs, askedMs);
    return assigned;
  }

  async #join(link: Link, metadata: Buffer) {
    const { sessionTimeoutMs, handoverWaitMs } = this.#cluster.settings;
    const join = () =>
      link.send('JoinGroup', {
        groupId: this.#group,
        memberId: this.#memberId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: handoverWaitMs + REJOIN_MS,
        protocolType: PROTOCOL_TYPE,
        groupProtocols: [{ name: PROTOCOL_NAME, metadata }],
      });
    try {
      return await join();
    } catch (error) {
      const memberId = memberIdGiven(error);
      if (memberId === null) throw error;
      this.#memberId = memberId;
      return join();
    }
  }

  async #assign(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]) {
    const candidates = members.map(({ memberId, memberMetadata }) => ({ memberId, ...decodeSubscription(memberMetadata) }));
    this.#partitionCounts = await this.#countPartitions([...new Set(candidates.flatMap(({ topics }) => topics))]);
    const assignment = assignPartitions(candidates, this.#partitionCounts);
    return Array.from(assignment, ([memberId, partitions]) => ({ memberId, memberAssignment: encodeAssignment(partitions) }));
  }

  async #countPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return new Map(
      await Promise.all(topics.map(async (topic) => [topic, (await this.#cluster.lookUp(topic))?.leaders.length ?? 0] as const)),
    );
  }

  /** Whether the assignment that this member made as leader covers other partitions than there are now. */
  async outgrown(): Promise<boolean> {
    const counts = await this.#countPartitions([...this.#partitionCounts.keys()]);
    return Array.from(counts).some(([topic, count]) => this.#partitionCounts.get(topic) !== count);
  }

  /** Throws as the coordinator answers; a coordinator that hangs counts as one that is away. */
  async heartbeat(): Promise<void> {
    const { pacing, sessionTimeoutMs } = this.#cluster.settings;
    const askedMs = pacing.nowMs();
    const beat = { groupId: this.#group, memberId: this.#memberId, groupGenerationId: this.#generation };
    await this.#within(sessionTimeoutMs / 3, (link) => link.send('Heartbeat', beat));
    this.#heardMs = askedMs;
  }

  /** Throws as the coordinator answers: it refuses a standing that is not the group's any more. */
  async commit({ memberId, generation }: Standing, topic: string, partition: number, { offset, metadata }: CommittedOffset): Promise<void> {
    const topics = [{ topic, partitions: [{ partition, offset: String(offset), metadata }] }];
    await this.#cluster.atCoordinator(this.#group, 'offsets', (link) =>
      link.send('OffsetCommit', { groupId: this.#group, memberId, groupGenerationId: generation, topics }),
    );
  }

  /** Ends a join that waits for others. */
  cut(): void {
    this.#closing.abort();
  }

  async leave(): Promise<void> {
    try {
      if (this.#memberId !== '')
        await this.#within(LEAVE_MS_MAX, (link) => link.send('LeaveGroup', { groupId: this.#group, memberId: this.#memberId }));
    } finally {
      this.#cluster.release(this.#cluster.coordinatorOf(this.#group), this.#purpose);
    }
  }

  #atCoordinator<Answer>(ask: (link: Link) => Promise<Answer>): Promise<Answer> {
    return this.#cluster.atCoordinator(this.#group, this.#purpose, async (link) => {
      const cut = (): void => link.cut();
      this.#closing.signal.addEventListener('abort', cut, { once: true });
      try {
        return await ask(link);
      } finally {
        this.#closing.signal.removeEventListener('abort', cut);
      }
    });
  }

  #within<Answer>(timeoutMs: number, ask: (link: Link) => Promise<Answer>): Promise<Answer> {
    return this.#cluster.atCoordinator(this.#group, this.#purpose, async (link) => {
      const timer = setTimeout(() => link.cut(), timeoutMs);
      try {
        return await ask(link);
      } finally {
        clearTimeout(timer);
      }
    });
  }
}

/** A coordinator that meets a new member gives it a name, with which it asks again. */
function memberIdGiven(error: unknown): string | null {
  if (kafkaErrorType(error) !== 'MEMBER_ID_REQUIRED' || !(error instanceof Error) || !('memberId' in error)) return null;
  return typeof error.memberId === 'string' ? error.memberId : null;
}
