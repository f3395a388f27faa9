/** What the nemesis will do, fixed by its seed alone. Pure. */
import { type Chance, chance } from './random.ts';

export const VICTIMS = [
  'ingress-1',
  'ingress-2',
  'pricer-1',
  'pricer-2',
  'writer-1',
  'writer-2',
  'registry-1',
  'broker',
  'clickhouse',
] as const;
export type VictimName = (typeof VICTIMS)[number];
export type VictimKind = 'ingress' | 'pricer' | 'writer' | 'registry' | 'broker' | 'clickhouse';

export interface PlannedKill {
  readonly victim: VictimName;
  /** It dies a second time, while it takes up again what its first death left. */
  readonly again: boolean;
}

export type Fault =
  | { readonly kind: 'none' }
  /** SIGSTOP past the session timeout, then SIGCONT. */
  | { readonly kind: 'stop'; readonly victim: VictimName }
  /** Of requests to produce or of the answers to them, this share is lost, cut off or late. */
  | { readonly kind: 'produce'; readonly fate: 'lose' | 'cut' | 'delay'; readonly of: 'request' | 'response'; readonly share: number }
  | { readonly kind: 'insert'; readonly fate: 'hold' | 'lose_answer' | 'cut' }
  | { readonly kind: 'disk_full'; readonly victim: VictimName }
  | { readonly kind: 'clock'; readonly victim: VictimName; readonly offsetMs: number };

/** One round: a fault begins, victims die, they are started again, the fault ends. */
export interface Round {
  readonly fault: Fault;
  readonly kills: readonly PlannedKill[];
  /** Between the last death and the first start, in milliseconds. */
  readonly downMs: number;
  /** All are started at once, whatever they need; otherwise broker and ClickHouse first. */
  readonly anyOrder: boolean;
}

/** Of all kills, at least one in so many is for each kind of victim that the path of an event needs. */
const SHARE_OF_EACH = 8;
/** It has no part in the path of an event. */
const REGISTRY_SHARE = 40;
const PATH_KINDS = ['ingress', 'pricer', 'writer', 'broker', 'clickhouse'] as const;
const AGAIN_SHARE = 0.2;
const ANY_ORDER_SHARE = 0.2;
const EVERYTHING_SHARE = 0.04;
const DOWN_MS_MIN = 100;
const DOWN_MS_MAX = 900;
const DAY_MS = 86_400_000;

export function kindOf(victim: VictimName): VictimKind {
  return victim.replace(/-\d$/, '') as VictimKind;
}

export function planRounds(seed: number, kills: number): readonly Round[] {
  const random = chance(seed);
  const deck = [...deckOf(random, kills)];
  const rounds: Round[] = [];
  while (deck.length > 0) {
    const all = deck.length >= VICTIMS.length && random.once(EVERYTHING_SHARE);
    const wanted = all ? VICTIMS.length : random.pick([1, 1, 2, 2, 3]);
    const chosen: PlannedKill[] = [];
    // Dealt from the top; what would be dead already stays for a later round.
    for (let index = 0; index < deck.length && chosen.length < wanted;) {
      const card = deck[index] as PlannedKill;
      if (chosen.some(({ victim }) => victim === card.victim)) index += 1;
      else chosen.push(...deck.splice(index, 1));
    }
    rounds.push({
      fault: faultFor(random, new Set(chosen.map(({ victim }) => victim))),
      kills: chosen,
      downMs: DOWN_MS_MIN + random.below(DOWN_MS_MAX - DOWN_MS_MIN),
      anyOrder: random.once(ANY_ORDER_SHARE),
    });
  }
  return rounds;
}

function deckOf(random: Chance, kills: number): readonly PlannedKill[] {
  const kinds: VictimKind[] = [
    ...PATH_KINDS.flatMap((kind) => Array.from({ length: Math.floor(kills / SHARE_OF_EACH) }, () => kind)),
    ...Array.from({ length: Math.floor(kills / REGISTRY_SHARE) }, () => 'registry' as const),
  ];
  const cards: PlannedKill[] = kinds.map((kind) => ({ victim: anyOf(random, kind), again: false }));
  for (let left = kills - cards.length; left > 0;) {
    const kind = random.pick(['ingress', 'pricer', 'writer'] as const);
    const again = left >= 2 && kind !== 'pricer' && random.once(AGAIN_SHARE);
    cards.push({ victim: anyOf(random, kind), again });
    left -= again ? 2 : 1;
  }
  return random.shuffled(cards);
}

function anyOf(random: Chance, kind: VictimKind): VictimName {
  return random.pick(VICTIMS.filter((name) => kindOf(name) === kind));
}

/** Never for one that is to die in the same round. */
function faultFor(random: Chance, dying: ReadonlySet<VictimName>): Fault {
  const living = VICTIMS.filter((name) => !dying.has(name));
  const of = (...kinds: readonly VictimKind[]): VictimName | undefined => {
    const possible = living.filter((name) => kinds.includes(kindOf(name)));
    return possible.length === 0 ? undefined : random.pick(possible);
  };
  switch (random.below(10)) {
    case 0: {
      const victim = of('ingress', 'pricer', 'writer', 'broker');
      return victim === undefined ? { kind: 'none' } : { kind: 'stop', victim };
    }
    case 1: {
      const victim = of('ingress');
      return victim === undefined ? { kind: 'none' } : { kind: 'disk_full', victim };
    }
    case 2: {
      const victim = of('ingress', 'pricer', 'writer');
      return victim === undefined
        ? { kind: 'none' }
        : { kind: 'clock', victim, offsetMs: random.pick([-1, 1]) * random.pick([DAY_MS, 3_600_000]) };
    }
    case 3:
    case 4:
      return {
        kind: 'produce',
        fate: random.pick(['lose', 'cut', 'cut', 'delay']),
        of: random.pick(['request', 'response']),
        share: random.pick([0.05, 0.2, 0.5]),
      };
    case 5:
    case 6:
      return { kind: 'insert', fate: random.pick(['hold', 'lose_answer', 'cut']) };
    default:
      return { kind: 'none' };
  }
}
