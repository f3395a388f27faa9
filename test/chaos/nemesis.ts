/** Carries out a plan: lets faults begin and end, kills with aim, starts again what died. */
import { setTimeout as wait } from 'node:timers/promises';
import { API } from '../support/kafka/protocol.ts';
import { type Exchange, type Fate, PASS } from '../support/kafka/proxy.ts';
import { HEALTHY } from './afflictions.ts';
import type { Load } from './load.ts';
import type { Fault, Round, VictimKind, VictimName } from './plan.ts';
import { type Chance, chance } from './random.ts';
import { type ChaosSystem, SESSION_MS } from './system.ts';
import { type Death, killInWork, send, type Victim } from './victim.ts';

export interface Nemesis {
  readonly deaths: readonly Death[];
  /** Faults beside kills, by kind. */
  readonly faults: ReadonlyMap<string, number>;
  /** Requests that were in flight at an ingress when it was killed. */
  readonly inFlightAtKills: number;
  /** Starts that failed, for want of what they need, and were tried again. */
  readonly failedStarts: number;
  /** Ends early, after a whole round, once `stop` aborts. */
  run(rounds: readonly Round[], stop: AbortSignal, onRound: (round: number) => void): Promise<void>;
}

/** Who is fed by others dies before they do, or it would have nothing in hand. */
const ORDER: readonly VictimKind[] = ['registry', 'pricer', 'writer', 'clickhouse', 'broker', 'ingress'];
/** How long a victim that idles is waited for before it dies idle. */
const AIM_MS_MAX = 8_000;
/** From a start to work in hand. */
const RECOVERY_MS_MAX = 20_000;
/** Past the session timeout. */
const STOPPED_MS = SESSION_MS + 1_500;
const DELAYED_MS = 1_500;
const FAULT_MS = 700;
/** So that there is work to interrupt. */
const BREATH_MS = 500;
const START_AGAIN_MS = 250;
const START_MS_MAX = 120_000;

export function nemesis(system: ChaosSystem, load: Load, seed: number): Nemesis {
  const random = chance(seed ^ 0x5eed);
  const deaths: Death[] = [];
  const faults = new Map<string, number>();
  const state = { inFlightAtKills: 0, failedStarts: 0 };

  async function die(victim: Victim, wanted: (inHand: string) => boolean, waitMs: number): Promise<void> {
    const death = await killInWork(victim, wanted, waitMs, () => {
      if (victim.kind === 'ingress') state.inFlightAtKills += load.inFlight(victim.name);
    });
    deaths.push(death);
  }

  /** As whoever keeps processes running would: again and again. */
  async function revive(victim: Victim): Promise<void> {
    const deadline = performance.now() + START_MS_MAX;
    while (victim.pid() === undefined) {
      try {
        await victim.start();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        state.failedStarts += 1;
        await wait(START_AGAIN_MS);
      }
    }
  }

  async function reviveAll(victims: readonly Victim[], anyOrder: boolean): Promise<void> {
    const groundsFirst = anyOrder ? [] : victims.filter(({ kind }) => kind === 'broker' || kind === 'clickhouse');
    await Promise.all(groundsFirst.map(revive));
    await Promise.all(victims.filter((victim) => !groundsFirst.includes(victim)).map(revive));
  }

  /** Dies with work in hand, and again while it takes that up. */
  async function dieTwice(victim: Victim): Promise<void> {
    let up = false;
    const started = revive(victim).then(() => (up = true));
    await die(victim, (inHand) => inHand === 'recovery' || (up && inHand !== ''), RECOVERY_MS_MAX);
    await started;
  }

  async function round({ fault, kills, downMs, anyOrder }: Round): Promise<void> {
    const end = begin(fault);
    await wait(fault.kind === 'none' ? 0 : FAULT_MS);
    const victims = kills.map(({ victim }) => system.victim(victim)).toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
    for (const victim of victims) await die(victim, (inHand) => inHand !== '', AIM_MS_MAX);
    await wait(downMs);
    const again = new Set(kills.filter((kill) => kill.again).map(({ victim }) => victim));
    await reviveAll(
      victims.filter(({ name }) => !again.has(name)),
      anyOrder,
    );
    await Promise.all(victims.filter(({ name }) => again.has(name)).map(dieTwice));
    await end();
    await reviveAll(victims, false);
    await wait(BREATH_MS);
  }

  function begin(fault: Fault): () => Promise<void> {
    const name = fault.kind === 'produce' || fault.kind === 'insert' ? `${fault.kind} ${fault.fate}` : fault.kind;
    if (fault.kind !== 'none') faults.set(name, (faults.get(name) ?? 0) + 1);
    switch (fault.kind) {
      case 'none':
        return () => Promise.resolve();
      case 'stop':
        return stopFor(system.victim(fault.victim));
      case 'produce':
        system.kafkaProxy.decide(spoiling(fault, random));
        return ended(() => system.kafkaProxy.decide(() => PASS));
      case 'insert':
        system.insertProxy.decide(fault.fate);
        return ended(() => system.insertProxy.decide('pass'));
      case 'disk_full':
        return afflict(fault.victim, { ...HEALTHY, disk_full: true });
      case 'clock':
        return afflict(fault.victim, { ...HEALTHY, clock_offset_ms: fault.offsetMs });
    }
  }

  function afflict(name: VictimName, afflictions: Parameters<ChaosSystem['afflict']>[1]): () => Promise<void> {
    system.afflict(name, afflictions);
    return ended(() => system.afflict(name, HEALTHY));
  }

  return {
    deaths,
    faults,
    get inFlightAtKills() {
      return state.inFlightAtKills;
    },
    get failedStarts() {
      return state.failedStarts;
    },
    async run(rounds, stop, onRound) {
      for (const [index, planned] of rounds.entries()) {
        if (stop.aborted) return;
        await round(planned);
        onRound(index + 1);
      }
    },
  };
}

/** What ends a fault of an instant. */
function ended(end: () => void): () => Promise<void> {
  return () => Promise.resolve(end());
}

function stopFor(victim: Victim): () => Promise<void> {
  const pid = victim.pid();
  if (pid === undefined) return () => Promise.resolve();
  send(pid, 'SIGSTOP');
  const over = wait(STOPPED_MS);
  return async () => {
    await over;
    send(pid, 'SIGCONT');
  };
}

function spoiling(fault: Fault & { readonly kind: 'produce' }, random: Chance): (exchange: Exchange) => Fate {
  return ({ api, direction }) => {
    if (api !== API.produce || direction !== fault.of || !random.once(fault.share)) return PASS;
    return fault.fate === 'delay' ? { kind: 'delay', until: wait(DELAYED_MS) } : { kind: fault.fate };
  };
}
