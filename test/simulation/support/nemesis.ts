/** What makes things go wrong: which kinds a run has follows from its seed, and so does when. */
import type { Chance } from './chance.ts';
import type { FaultKind } from './fault-counts.ts';
import type { ConsumerProcess } from './consumer-processes.ts';
import type { IngressSlot } from './ingress-slot.ts';
import type { NodeContext, SimulatedNode } from './simulated-clickhouse.ts';
import { NO_CLICKHOUSE_FAULTS } from './simulated-clickhouse.ts';
import type { Slot } from './slot.ts';
import type { World } from './world.ts';
import { NO_FAULTS } from '@tokenledger/event-log';

export interface Machines {
  readonly ingresses: readonly IngressSlot[];
  readonly pricers: readonly Slot<ConsumerProcess>[];
  readonly writers: readonly Slot<ConsumerProcess>[];
  readonly nodes: readonly SimulatedNode[];
  readonly nodeContext: NodeContext;
}

const STEPS_MAX = 60;
const PAUSE_MS_MAX = 110;
const STOPPED_MS = [20, 400] as const;
/** How long a process that was stopped may go on before it hears that it owns nothing any more. */
const ZOMBIE_MS_MAX = 150;
const AWAY_MS = [20, 300] as const;
const DAY_MS = 86_400_000;
/** Share of the kinds of faults that a run has. */
const SHARE = 0.6;

type Act = () => void;

export class Nemesis {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #machines: Machines;
  readonly #acts: readonly Act[];
  #over = false;

  constructor(world: World, chance: Chance, machines: Machines) {
    this.#world = world;
    this.#chance = chance;
    this.#machines = machines;
    const acts = this.#allActs().filter(() => chance.happens(SHARE));
    this.#acts = acts.length > 0 ? acts : this.#allActs();
  }

  /** Returns once `heal` was called. */
  async rage(): Promise<void> {
    const { clock, log, provider } = this.#world;
    const chance = this.#chance;
    const rate = (most: number): number => (chance.happens(SHARE) ? chance.between(0, most) : 0);
    log.setFaults({
      sendFails: rate(0.03),
      sendResponseLost: rate(0.03),
      sendArrivesLate: rate(0.03),
      sendStoredTwice: rate(0.03),
      commitFails: rate(0.03),
      commitResponseLost: rate(0.03),
      readFails: rate(0.01),
      ownershipChanges: rate(0.004),
      noticeMsMax: ZOMBIE_MS_MAX,
      goesAway: rate(0.002),
      awayMsMax: 60,
      delayMsMax: 2,
    });
    this.#machines.nodeContext.faults = {
      queryFails: rate(0.03),
      insertFails: rate(0.05),
      insertResponseLost: rate(0.06),
      insertHeld: rate(0.06),
      heldMsMax: 800,
      insertInParts: rate(0.5),
      partLostTokenKept: rate(0.06),
      lagMsMax: 1_000,
      delayMsMax: 2,
    };
    provider.faults = { providerRefuses: rate(0.03), answerBreaks: rate(0.03) };
    for (const ingress of this.#machines.ingresses) ingress.writeTorn = rate(0.01);
    while (!this.#over) {
      await clock.wait(chance.between(0, PAUSE_MS_MAX));
      if (!this.#over) chance.pick(this.#acts)();
    }
  }

  heal(): void {
    this.#over = true;
    const { ingresses, nodes, nodeContext } = this.#machines;
    this.#world.log.setFaults(NO_FAULTS);
    this.#world.log.comeBack();
    this.#world.provider.faults = { providerRefuses: 0, answerBreaks: 0 };
    nodeContext.faults = NO_CLICKHOUSE_FAULTS;
    for (const node of nodes) node.comeBack();
    for (const ingress of ingresses) ingress.heal();
  }

  #allActs(): Act[] {
    const chance = this.#chance;
    const { clock } = this.#world;
    const { ingresses, pricers, writers, nodes } = this.#machines;
    const anIngress = (): IngressSlot => chance.pick(ingresses);
    return [
      () => anIngress().killAfter(chance.integer(1, STEPS_MAX), chance.random()),
      () => anIngress().cutPowerAfter(chance.integer(1, STEPS_MAX), chance.random()),
      () => this.#kill(chance.pick(pricers), 'pricerKilled'),
      () => this.#kill(chance.pick(writers), 'writerKilled'),
      () => {
        anIngress().slot.life.stop(chance.between(...STOPPED_MS));
        this.#count('ingressStopped');
      },
      () => this.#stop(chance.pick(pricers), 'pricerStopped'),
      () => this.#stop(chance.pick(writers), 'writerStopped'),
      () => {
        anIngress().clockOffsetMs = Math.round(chance.between(-DAY_MS, DAY_MS));
        this.#count('clockJump');
      },
      () => {
        anIngress().fullUntilMs = clock.nowMs() + chance.between(...AWAY_MS);
      },
      () => {
        anIngress().stallsUntilMs = clock.nowMs() + chance.between(...AWAY_MS);
      },
      () => {
        chance.pick(nodes).crash(chance.between(...AWAY_MS));
        this.#count('databaseKilled');
      },
      () => void anIngress().restore(),
      () => this.#poison(),
    ];
  }

  #kill(slot: Slot<ConsumerProcess>, kind: FaultKind): void {
    slot.life.killAfter(this.#chance.integer(1, STEPS_MAX));
    this.#count(kind);
  }

  /** What it holds goes to another; it learns of that some time after it has woken up, and writes on until then. */
  #stop(slot: Slot<ConsumerProcess>, kind: FaultKind): void {
    const { process, life } = slot;
    if (process === null || life.stopped) return;
    const ms = this.#chance.between(...STOPPED_MS);
    for (const { group, topic, partition } of process.log.holdings) {
      this.#world.log.changeOwner(group, topic, partition, ms + this.#chance.between(0, ZOMBIE_MS_MAX));
    }
    life.stop(ms);
    this.#count(kind);
  }

  #poison(): void {
    const { partitions } = this.#world;
    void this.#world.poison(this.#chance.integer(0, partitions), Buffer.from(`poison ${this.#chance.random()}`));
    this.#count('poison');
  }

  #count(kind: FaultKind): void {
    this.#world.counts.add(kind);
  }
}
