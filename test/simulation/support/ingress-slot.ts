/** An ingress's machine: its disk and its clock outlive its processes. */
import type { SimulatedDisk } from '@tokenledger/journal';
import { simulatedDisk } from '@tokenledger/journal';
import type { ClientView } from './client-view.ts';
import { IngressProcess } from './ingress-process.ts';
import { START_MS } from './request-facts.ts';
import { Slot } from './slot.ts';
import type { World } from './world.ts';

const WRITE_MS_MAX = 0.5;
const SYNC_MS_MAX = 2;
const PAUSE_MS = [5, 80] as const;
const RESTORE_AFTER_MS = 200;
const RESTORE_LOOK_MS = 15;
const RESTORE_MS_MAX = 4_000;

export class IngressSlot {
  readonly #world: World;
  readonly #slot: Slot<IngressProcess>;
  #disk: SimulatedDisk;
  #death: 'killed' | 'power_cut' | 'restored' = 'killed';
  /** How much of what is not safe stays, 0 to 1. */
  #kept = 0;
  /** Requests of processes that died, whose openings may not be on disk before the next one has recovered them. */
  #atRisk: ClientView[] = [];
  /** What its journal is restored from. */
  #copy: SimulatedDisk | null = null;
  #restoring = false;
  /** Ids of sources that are given before new ones. */
  readonly #names: string[] = [];
  readonly #namesGiven: string[] = [];
  clockOffsetMs = 0;
  fullUntilMs = 0;
  stallsUntilMs = 0;
  /** Chance that a write fails half way. */
  writeTorn = 0;
  /** Requests that were in hand when a process of this machine died. */
  lostInHand = 0;

  constructor(world: World) {
    this.#world = world;
    this.#disk = this.#onMachine(simulatedDisk());
    this.#slot = new Slot({
      clock: world.clock,
      start: async (life) => {
        const process = await IngressProcess.start(world, life, { disk: this.#disk, now: () => this.nowMs(), newId: this.#idsOfProcess() });
        this.#atRisk = [];
        return process;
      },
      onDeath: (process) => this.#died(process),
      onDefect: (error) => world.onDefect(error),
      pauseMs: () => world.chance.between(...PAUSE_MS),
    });
  }

  get slot(): Slot<IngressProcess> {
    return this.#slot;
  }

  get process(): IngressProcess | null {
    return this.#slot.process;
  }

  get takesRequests(): boolean {
    return this.process !== null && !this.#restoring;
  }

  get restoring(): boolean {
    return this.#restoring;
  }

  nowMs(): number {
    return START_MS + Math.floor(this.#world.clock.nowMs()) + this.clockOffsetMs;
  }

  /** Within the next steps; `kept` of a write that is under way stays. */
  killAfter(steps: number, kept: number): void {
    this.#death = 'killed';
    this.#kept = kept;
    this.#slot.life.killAfter(steps);
  }

  /** Within the next steps; `kept` of what was not synced stays. */
  cutPowerAfter(steps: number, kept: number): void {
    this.#death = 'power_cut';
    this.#kept = kept;
    this.#slot.life.killAfter(steps);
  }

  /** Copies the journal now, and puts the copy in its place once all that came until then has landed. */
  async restore(): Promise<void> {
    if (this.#restoring) return;
    const { clock, counts, variant } = this.#world;
    this.#restoring = true;
    const copy = variant.sources === 'fresh' ? this.#disk.copy() : simulatedDisk();
    await clock.wait(RESTORE_AFTER_MS);
    for (const untilMs = clock.nowMs() + RESTORE_MS_MAX; clock.nowMs() < untilMs; await clock.wait(RESTORE_LOOK_MS)) {
      const { process } = this;
      if (process === null || !process.hasLanded) continue;
      if (variant.sources === 'fixed') this.#names.push(...this.#namesGiven.slice(0, 1));
      this.#death = 'restored';
      this.#copy = copy;
      counts.add('journalRestored');
      this.#slot.life.kill();
      break;
    }
    this.#restoring = false;
  }

  heal(): void {
    this.fullUntilMs = 0;
    this.stallsUntilMs = 0;
    this.writeTorn = 0;
  }

  #died(process: IngressProcess | null): void {
    const { counts } = this.#world;
    const lost: readonly ClientView[] = process === null ? [] : [...process.inHand].map(({ view }) => view);
    for (const view of lost) view.ingressLost = this.#death === 'power_cut' ? 'power_cut' : 'killed';
    if (this.#death === 'power_cut') for (const view of this.#atRisk) view.ingressLost = 'power_cut';
    this.#atRisk.push(...lost);
    this.lostInHand += lost.length;
    counts.add(process === null ? 'ingressKilledInRecovery' : 'ingressKilled');
    if (this.#death === 'power_cut') counts.add('powerCut');
    this.#disk = this.#onMachine(this.#diskAfter());
    this.#death = 'killed';
  }

  #diskAfter(): SimulatedDisk {
    switch (this.#death) {
      case 'killed':
        return this.#disk.kill(this.#kept);
      case 'power_cut':
        return this.#disk.cutPower(this.#kept);
      case 'restored':
        this.#disk.kill();
        return this.#copy ?? simulatedDisk();
    }
  }

  /** The first id of a process is the name of its source. */
  #idsOfProcess(): () => string {
    let first = true;
    return () => {
      const id = (first ? this.#names.shift() : undefined) ?? this.#world.chance.id(this.nowMs());
      if (first) this.#namesGiven.push(id);
      first = false;
      return id;
    };
  }

  #onMachine(disk: SimulatedDisk): SimulatedDisk {
    const { clock, chance, counts } = this.#world;
    disk.short = () => chance.random();
    disk.before = async (operation) => {
      await clock.wait(chance.between(0, operation === 'sync' ? SYNC_MS_MAX : WRITE_MS_MAX));
      if (operation === 'sync' && clock.nowMs() < this.stallsUntilMs) {
        counts.add('syncStalls');
        await clock.wait(this.stallsUntilMs - clock.nowMs());
      }
      if (operation !== 'append' && operation !== 'create') return;
      if (clock.nowMs() < this.fullUntilMs) {
        counts.add('diskFull');
        throw new Error('ENOSPC: no space left on device');
      }
      if (operation === 'append' && chance.happens(this.writeTorn)) {
        counts.add('writeTorn');
        throw new Error('EIO: i/o error');
      }
    };
    return disk;
  }
}
