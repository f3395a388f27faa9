/** Chance from one seed: every choice of a run is drawn here, so that the seed gives the run again. */
import { uuidv7 } from '@tokenledger/domain';
import { seededRandom } from '@tokenledger/event-log';

export interface Chance {
  /** At least 0 and below 1. */
  random(): number;
  happens(probability: number): boolean;
  /** At least `from`, below `to`. */
  between(from: number, to: number): number;
  integer(from: number, to: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** A UUIDv7. */
  id(atMs: number): string;
}

const ID_RANDOM_BYTES = 10;
/** Keeps the draws of one seed's parts apart. */
const SALT_STEP = 0x9e3779b1;

export function chance(seed: number, salt: number): Chance {
  const random = seededRandom(Math.imul(seed, 0x85ebca6b) + Math.imul(salt, SALT_STEP));
  const bytes = new Uint8Array(ID_RANDOM_BYTES);
  const between = (from: number, to: number): number => from + random() * (to - from);
  return {
    random,
    between,
    happens: (probability) => random() < probability,
    integer: (from, to) => Math.floor(between(from, to)),
    pick: (items) => items[Math.floor(random() * items.length)] as (typeof items)[number],
    id(atMs) {
      for (let index = 0; index < ID_RANDOM_BYTES; index++) bytes[index] = random() * 256;
      return uuidv7(Math.floor(atMs), bytes);
    },
  };
}
