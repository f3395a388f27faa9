/** One member of a consumer group: joins, keeps its session, holds partitions, and lets go of them before another gets them. */
import { ownershipLost } from '../local/backend.ts';
import { waitAtMost } from '../pacing.ts';
import type { CommittedOffset, JoinOptions, Membership } from '../port.ts';
import { backoffMs } from '../shapes/retry.ts';
import type { Cluster } from './cluster.ts';
import { finalFailure, isConnectionFailure, isCoordinatorMoved, kafkaErrorType } from './failures.ts';
import type { Fetcher } from './fetcher.ts';
import { commitRefused, fetchCommitted } from './group-offsets.ts';
import type { Partitions } from './group-protocol.ts';
import { GroupSession } from './group-session.ts';
import { Holding } from './holding.ts';

const RETRY = { initialMs: 20, maxMs: 1_000 } as const;

/** The coordinator has thrown the member out: others may have its partitions already. */
const EVICTED = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);

/** Throws `TOPIC_MISSING`. */
export async function joinGroup(cluster: Cluster, fetcher: Fetcher, options: JoinOptions): Promise<Membership> {
  await cluster.persist(`joining group ${options.group}`, async () => {
    for (const topic of options.topics) {
      cluster.forget(topic);
      await cluster.topic(topic);
    }
  });
  const member = new GroupMember(cluster, fetcher, options);
  const running = member.run();
  return {
    close: async () => {
      await member.leave();
      await running;
    },
  };
}

class GroupMember {
  readonly #cluster: Cluster;
  readonly #fetcher: Fetcher;
  readonly #options: JoinOptions;
  readonly #session: GroupSession;
  readonly #holdings = new Map<string, Holding>();
  /** By partition: the end of the last run. */
  readonly #ends = new Map<string, Promise<void>>();
  readonly #leaving = new AbortController();
  readonly #left = Promise.withResolvers<void>();
  /** Taken away, and still running: the group is told that they are free only once they have ended, or were waited for long enough. */
  readonly #releasing = new Map<string, Holding>();
  /** Ends the pause between two heartbeats. */
  #stir = new AbortController();
  #joinAgain = false;
  #failures = 0;

  constructor(cluster: Cluster, fetcher: Fetcher, options: JoinOptions) {
    this.#cluster = cluster;
    this.#fetcher = fetcher;
    this.#options = options;
    this.#session = new GroupSession(cluster, options.group, options.topics);
  }

  /** Resolves once the member has left. */
  async run(): Promise<void> {
    while (!this.#leaving.signal.aborted) {
      try {
        this.#joinAgain = false;
        const assigned = await this.#session.join(this.#owned(), (next) => this.#loseAllBut(next));
        if (this.#leaving.signal.aborted) break;
        this.#failures = 0;
        this.#adopt(assigned);
        await this.#hold();
      } catch (error) {
        await this.#recover(error);
      }
    }
    await this.#left.promise;
  }

  async leave(): Promise<void> {
    if (this.#leaving.signal.aborted) return this.#left.promise;
    this.#leaving.abort();
    this.#loseAllBut(new Map());
    this.#session.cut();
    const ended = new AbortController();
    const beating = this.#beatUntil(ended.signal);
    await Promise.all(this.#ends.values());
    ended.abort();
    await beating;
    // When it fails, the session's end does the same, later.
    await this.#session.leave().catch((error: unknown) => this.#log('debug', 'could not leave the group', { error: String(error) }));
    this.#left.resolve();
  }

  /** While runs come to their end, the member must not be taken for dead. */
  async #beatUntil(ended: AbortSignal): Promise<void> {
    const { pacing, heartbeatMs } = this.#cluster.settings;
    for (;;) {
      await pacing.wait(heartbeatMs, ended);
      if (ended.aborted || this.#session.standing.generation < 0) return;
      // It has nothing more to lose, whatever the group decides.
      await this.#session
        .heartbeat()
        .catch((error: unknown) => this.#log('debug', 'a heartbeat while leaving failed', { error: String(error) }));
    }
  }

  // --- holding

  #owned(): Partitions {
    const held = Array.from(this.#holdings.values()).filter(({ valid }) => valid);
    return byTopic([...held, ...Array.from(this.#releasing.values()).filter(({ key }) => !held.some((other) => other.key === key))]);
  }

  #loseAllBut(assigned: Partitions): void {
    for (const holding of this.#holdings.values()) {
      if (assigned.get(holding.topic)?.includes(holding.partition) !== true) holding.lose();
    }
  }

  /** Lets go of what was lost, and starts what was gained. */
  #adopt(assigned: Partitions): void {
    const lost = Array.from(this.#holdings.values()).filter(({ valid }) => !valid);
    for (const holding of lost) {
      this.#holdings.delete(holding.key);
      void this.#release(holding);
    }
    const gained = Array.from(assigned)
      .flatMap(([topic, partitions]) => partitions.map((partition) => new Holding(topic, partition)))
      .filter(({ key }) => !this.#holdings.has(key));
    if (gained.length > 0) this.#start(gained);
  }

  async #release(holding: Holding): Promise<void> {
    const { pacing, handoverWaitMs } = this.#cluster.settings;
    this.#releasing.set(holding.key, holding);
    await waitAtMost(pacing, holding.ended, handoverWaitMs);
    if (this.#releasing.get(holding.key) !== holding) return;
    this.#releasing.delete(holding.key);
    // Only a join without it lets the leader give it to another.
    this.#joinAgain = true;
    this.#stir.abort();
  }

  /** Others may have everything already: there is nothing left to hand over. */
  #lostAll(): void {
    this.#loseAllBut(new Map());
    this.#holdings.clear();
    this.#releasing.clear();
  }

  #start(gained: readonly Holding[]): void {
    const committed = this.#committed(gained);
    for (const holding of gained) {
      const { key } = holding;
      this.#holdings.set(key, holding);
      const start = {
        committed: committed.then((offsets) => offsets.get(key) ?? null),
        before: this.#ends.get(key) ?? Promise.resolve(),
      };
      const ended = holding.run(this.#cluster, this.#fetcher, this, this.#options, start);
      this.#ends.set(key, ended);
      void ended.then(() => {
        if (this.#ends.get(key) === ended) this.#ends.delete(key);
      });
    }
  }

  /** Asks until it is told, or none of them is held any more. */
  async #committed(gained: readonly Holding[]): Promise<ReadonlyMap<string, CommittedOffset>> {
    const { pacing } = this.#cluster.settings;
    for (let attempt = 1; gained.some(({ valid }) => valid); attempt += 1) {
      try {
        return await fetchCommitted(this.#cluster, this.#options.group, byTopic(gained));
      } catch (error) {
        this.#log(attempt === 1 ? 'debug' : 'warn', 'could not read the committed offsets', { error: String(error) });
        await pacing.wait(backoffMs({ pacing, limits: RETRY }, attempt), this.#leaving.signal);
      }
    }
    return new Map();
  }

  /** Keeps the session until the group is to be joined again. */
  async #hold(): Promise<void> {
    const { pacing, heartbeatMs, metadataAgeMsMax } = this.#cluster.settings;
    let countAtMs = pacing.nowMs() + metadataAgeMsMax;
    while (!this.#joinAgain) {
      this.#stir = new AbortController();
      await pacing.wait(heartbeatMs, AbortSignal.any([this.#stir.signal, this.#leaving.signal]));
      if (this.#leaving.signal.aborted || !(await this.#staysAsItIs())) return;
      if (this.#session.leads && pacing.nowMs() >= countAtMs) {
        countAtMs = pacing.nowMs() + metadataAgeMsMax;
        if (await this.#hasGrown()) return;
      }
    }
  }

  /** False when the group is being arranged anew. Throws when this member is out of it. */
  async #staysAsItIs(): Promise<boolean> {
    try {
      await this.#session.heartbeat();
      return true;
    } catch (error) {
      if (kafkaErrorType(error) === 'REBALANCE_IN_PROGRESS') return false;
      // The session goes on while the coordinator may still know of us.
      if ((isCoordinatorMoved(error) || isConnectionFailure(error)) && !this.#session.over) return true;
      throw error;
    }
  }

  async #hasGrown(): Promise<boolean> {
    try {
      return await this.#session.outgrown();
    } catch (error) {
      this.#log('debug', 'could not count partitions', { error: String(error) });
      return false;
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#leaving.signal.aborted || this.#cluster.closing.aborted) return;
    const { pacing } = this.#cluster.settings;
    const type = kafkaErrorType(error) ?? '';
    if (type === 'REBALANCE_IN_PROGRESS') return;
    if (EVICTED.has(type)) {
      this.#log('warn', 'the group has gone on without this member', { reason: type });
      this.#lostAll();
      this.#session.forget(type === 'ILLEGAL_GENERATION');
      return;
    }
    if (this.#session.over && this.#owned().size > 0) {
      this.#log('warn', 'the session in the group is over: the coordinator was not reached', { error: String(error) });
      this.#lostAll();
      this.#session.forget(true);
    }
    const final = finalFailure(`group ${this.#options.group}`, error);
    this.#failures += 1;
    this.#log(final === null ? 'debug' : 'error', 'could not join the group', { error: String(final ?? error), attempt: this.#failures });
    await pacing.wait(backoffMs({ pacing, limits: RETRY }, this.#failures), this.#leaving.signal);
  }

  // --- committing

  /** Under this member's own generation: the coordinator refuses it once the group has gone on. */
  async commit(holding: Holding, committed: CommittedOffset): Promise<void> {
    const { topic, partition } = holding;
    await this.#cluster.persist(`committing an offset of ${topic}/${partition} for group ${this.#options.group}`, async () => {
      if (!holding.valid) throw ownershipLost(topic, partition);
      const { standing } = this.#session;
      try {
        await this.#session.commit(standing, topic, partition, committed);
      } catch (error) {
        if (!holding.valid) throw ownershipLost(topic, partition);
        const type = kafkaErrorType(error);
        // The group goes on, and this member with it: when the partition stays here, it is committed under the next generation.
        if (type === 'REBALANCE_IN_PROGRESS' || type === 'ILLEGAL_GENERATION') this.#stir.abort();
        if (type === 'UNKNOWN_MEMBER_ID') {
          if (standing.memberId === this.#session.standing.memberId) this.#lostAll();
          this.#stir.abort();
          throw ownershipLost(topic, partition);
        }
        throw commitRefused(error);
      }
    });
  }

  #log(level: 'debug' | 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>>): void {
    const { memberId, generation } = this.#session.standing;
    this.#cluster.settings.logger(level, text, { group: this.#options.group, member: memberId, generation, ...fields });
  }
}

function byTopic(holdings: readonly Holding[]): Partitions {
  const grouped = Map.groupBy(holdings, ({ topic }) => topic);
  return new Map(Array.from(grouped, ([topic, of]) => [topic, of.map(({ partition }) => partition)]));
}
