/** Chance from a seed: equal seeds, equal runs. */
import { seededRandom } from '@tokenledger/event-log';

export interface Chance {
  /** A whole number from 0 and below `limit`. */
  below(limit: number): number;
  /** True in `share` of the cases. */
  once(share: number): boolean;
  pick<Value>(values: readonly Value[]): Value;
  shuffled<Value>(values: readonly Value[]): readonly Value[];
}

export function chance(seed: number): Chance {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return {
    below,
    once: (share) => random() < share,
    pick: (values) => {
      const value = values[below(values.length)];
      if (value === undefined) throw new RangeError('nothing to pick from');
      return value;
    },
    shuffled(values) {
      const left = [...values];
      return values.map(() => left.splice(below(left.length), 1)[0] as (typeof values)[number]);
    },
  };
}
