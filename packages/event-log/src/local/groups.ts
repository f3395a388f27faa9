/** Consumer groups within one process: who owns which partition, handed over when a member joins, leaves or is evicted. */
import { AppError } from '@tokenledger/domain';
import { waitAtMost } from '../pacing.ts';
import type { CommittedOffset, JoinOptions, Membership, OwnedPartition } from '../port.ts';
import { assign } from './assignment.ts';
import type { LocalBackend } from './backend.ts';
import { ownershipLost, pollFrom } from './backend.ts';

export interface GroupLimits {
  /** How long a new owner waits for the old one's run to end before it starts anyway. */
  readonly handoverWaitMs: number;
}

/** Pause between attempts to read a committed offset at handover. */
const HANDOVER_RETRY_MS = 50;

interface Member {
  readonly options: JoinOptions;
  readonly holdings: Set<Holding>;
}

/** One stretch of ownership. `valid` is the group's view: commits count only while it is true, whatever the holder believes. */
interface Holding {
  readonly member: Member;
  readonly lost: AbortController;
  valid: boolean;
  ended: Promise<void>;
}

interface Slot {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  holding: Holding | null;
  target: Member | null;
  settling: boolean;
}

export class LocalGroups {
  readonly #backend: LocalBackend;
  readonly #limits: GroupLimits;
  readonly #members = new Map<string, Member[]>();
  readonly #slots = new Map<string, Slot[]>();

  constructor(backend: LocalBackend, limits: GroupLimits) {
    this.#backend = backend;
    this.#limits = limits;
  }

  /** Throws `TOPIC_MISSING`. */
  join(options: JoinOptions): Membership {
    for (const topic of options.topics) this.#addSlots(options.group, topic, this.#backend.partitions(topic));
    const member: Member = { options, holdings: new Set() };
    const members = this.#members.get(options.group) ?? [];
    this.#members.set(options.group, members);
    members.push(member);
    for (const topic of options.topics) this.#rebalance(options.group, topic);
    return {
      close: async () => {
        const index = members.indexOf(member);
        if (index >= 0) members.splice(index, 1);
        for (const topic of options.topics) this.#rebalance(options.group, topic);
        await Promise.all(Array.from(member.holdings, (holding) => holding.ended));
      },
    };
  }

  /** Whether a group has members. */
  hasMembers(group: string): boolean {
    return (this.#members.get(group)?.length ?? 0) > 0;
  }

  /** Takes a partition away without asking, as a broker does when a member's session ends: the old owner learns of it `noticeMs` later. */
  evict(group: string, topic: string, partition: number, noticeMs: number): void {
    const slot = this.#slots.get(slotsKey(group, topic))?.[partition];
    const old = slot?.holding;
    if (slot === undefined || old === null || old === undefined) return;
    old.valid = false;
    slot.holding = null;
    void this.#backend.pacing.wait(noticeMs).then(() => old.lost.abort());
    const members = this.#subscribed(group, topic);
    slot.target = members[(members.indexOf(old.member) + 1) % members.length] ?? null;
    void this.#settle(slot);
  }

  #subscribed(group: string, topic: string): readonly Member[] {
    return (this.#members.get(group) ?? []).filter((member) => member.options.topics.includes(topic));
  }

  /** The topic may have grown since the last member came. */
  #addSlots(group: string, topic: string, partitions: number): void {
    const key = slotsKey(group, topic);
    const slots = this.#slots.get(key) ?? [];
    this.#slots.set(key, slots);
    while (slots.length < partitions) {
      slots.push({ group, topic, partition: slots.length, holding: null, target: null, settling: false });
    }
  }

  #rebalance(group: string, topic: string): void {
    const slots = this.#slots.get(slotsKey(group, topic)) ?? [];
    const targets = assign(
      this.#subscribed(group, topic),
      slots.map((slot) => slot.target),
    );
    for (const [partition, slot] of slots.entries()) {
      slot.target = targets[partition] ?? null;
      void this.#settle(slot);
    }
  }

  /** Brings a partition to its target member, one step after the other: revoke, wait, read what is committed, start. */
  async #settle(slot: Slot): Promise<void> {
    if (slot.settling) return;
    slot.settling = true;
    while ((slot.holding?.member ?? null) !== slot.target) {
      const old = slot.holding;
      if (old !== null) {
        old.valid = false;
        old.lost.abort();
        slot.holding = null;
        await waitAtMost(this.#backend.pacing, old.ended, this.#limits.handoverWaitMs);
        continue;
      }
      const target = slot.target;
      const committed = await this.#committed(slot);
      if (committed === 'closed') break;
      if (committed !== 'again' && slot.target === target && target !== null) this.#start(slot, target, committed);
    }
    slot.settling = false;
  }

  async #committed(slot: Slot): Promise<CommittedOffset | null | 'again' | 'closed'> {
    try {
      return await this.#backend.committed(slot.group, slot.topic, slot.partition);
    } catch (error) {
      if (error instanceof AppError && error.code === 'LOG_CLOSED') return 'closed';
      // The log is away: ownership is gained once it answers.
      await this.#backend.pacing.wait(HANDOVER_RETRY_MS);
      return 'again';
    }
  }

  #start(slot: Slot, member: Member, committed: CommittedOffset | null): void {
    const holding: Holding = { member, lost: new AbortController(), valid: true, ended: Promise.resolve() };
    slot.holding = holding;
    member.holdings.add(holding);
    const owned = this.#own(slot, holding, committed);
    holding.ended = (async () => {
      try {
        await member.options.run(owned);
      } catch (error) {
        member.options.onError(error, owned);
      } finally {
        member.holdings.delete(holding);
      }
    })();
  }

  #own(slot: Slot, holding: Holding, committed: CommittedOffset | null): OwnedPartition {
    const { group, topic, partition } = slot;
    const backend = this.#backend;
    let position = committed?.offset ?? 0;
    return {
      topic,
      partition,
      committed,
      signal: holding.lost.signal,
      range: () => backend.range(topic, partition),
      seek: (offset) => {
        position = offset;
      },
      poll: async (limits) => {
        const from = position;
        const records = await pollFrom(backend, topic, partition, from, limits, holding.lost.signal);
        const last = records.at(-1);
        if (last !== undefined && position === from) position = last.offset + 1;
        return records;
      },
      commit: async (next) => {
        if (!holding.valid) throw ownershipLost(topic, partition);
        await backend.commit(group, topic, partition, next, () => holding.valid);
      },
    };
  }
}

function slotsKey(group: string, topic: string): string {
  return JSON.stringify([group, topic]);
}
