/** Which numbers of one source are in a table already: exact, or honest about what has to be asked.
 *
 *  | number                     | says   |
 *  | -------------------------- | ------ |
 *  | above `highest`            | `new`  |
 *  | at or below `askThrough`   | `ask`  |
 *  | in a range of `missing`    | `new`  |
 *  | else                       | `seen` | */
import { invariant } from '@tokenledger/domain';

/** Both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export interface Seen {
  /** Highest number that is there; 0 when none is. */
  readonly highest: number;
  /** What is missing between `askThrough` and `highest`: ascending, disjoint, never touching. */
  readonly missing: readonly NumberRange[];
  /** Nothing is remembered of the numbers up to here: ask the table. 0 when everything is remembered. */
  readonly askThrough: number;
}

export const NOTHING_SEEN: Seen = Object.freeze({ highest: 0, missing: Object.freeze([]), askThrough: 0 });

/** What a table itself says of a source. With all numbers from 1 to the highest there is nothing to ask. */
export function seenFromTable(table: { readonly lowest: number; readonly highest: number; readonly distinct: number }): Seen {
  const { lowest, highest, distinct } = table;
  return { highest, missing: [], askThrough: lowest === 1 && distinct === highest ? 0 : highest };
}

export function lookUp(seen: Seen, number: number): 'new' | 'seen' | 'ask' {
  if (number > seen.highest) return 'new';
  if (number <= seen.askThrough) return 'ask';
  return rangeIndex(seen.missing, number) === -1 ? 'seen' : 'new';
}

export function addSeen(seen: Seen, number: number): Seen {
  invariant(number >= 1, 'numbers start at 1');
  if (number === seen.highest + 1) return { ...seen, highest: number };
  if (number > seen.highest) {
    return { ...seen, highest: number, missing: [...seen.missing, { from: seen.highest + 1, to: number - 1 }] };
  }
  const index = rangeIndex(seen.missing, number);
  if (index === -1) return seen;
  return { ...seen, missing: seen.missing.toSpliced(index, 1, ...without(seen.missing[index] as NumberRange, number)) };
}

/** Keeps the highest `rangesMax` ranges; numbers up to the end of the last forgotten one have to be asked. */
export function forgetBeyond(seen: Seen, rangesMax: number): Seen {
  const excess = seen.missing.length - rangesMax;
  if (excess <= 0) return seen;
  return { ...seen, missing: seen.missing.slice(excess), askThrough: (seen.missing[excess - 1] as NumberRange).to };
}

function without(range: NumberRange, number: number): readonly NumberRange[] {
  const rest: NumberRange[] = [];
  if (range.from < number) rest.push({ from: range.from, to: number - 1 });
  if (range.to > number) rest.push({ from: number + 1, to: range.to });
  return rest;
}

/** Index of the range that holds `number`, -1 when none does. */
function rangeIndex(ranges: readonly NumberRange[], number: number): number {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle] as NumberRange;
    if (number < range.from) high = middle - 1;
    else if (number > range.to) low = middle + 1;
    else return middle;
  }
  return -1;
}
