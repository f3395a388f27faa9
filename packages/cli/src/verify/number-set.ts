/** Numbers of one source as ranges: a source without gaps is one range, however long. Pure but for `NumberCollector`, which gathers. */

/** Both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** Ascending, disjoint, never touching. */
export type NumberSet = readonly NumberRange[];

/** Gathers numbers as they come: nearly all of them one above the last. */
export class NumberCollector {
  #ranges: NumberRange[] = [];
  #open: { from: number; to: number } | null = null;

  add(number: number): void {
    const open = this.#open;
    if (open !== null && number >= open.from && number <= open.to + 1) {
      open.to = Math.max(open.to, number);
      return;
    }
    if (open !== null) this.#ranges.push(open);
    this.#open = { from: number, to: number };
  }

  numbers(): NumberSet {
    return unite(this.#open === null ? this.#ranges : [...this.#ranges, this.#open]);
  }
}

/** Of ranges in any order. */
export function unite(ranges: readonly NumberRange[]): NumberSet {
  const united: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((left, right) => left.from - right.from)) {
    const last = united.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else united.push({ from, to });
  }
  return united;
}

export function without(numbers: NumberSet, others: NumberSet): NumberSet {
  const rest: NumberRange[] = [];
  let index = 0;
  for (const { from, to } of numbers) {
    let next = from;
    while (index < others.length && (others[index] as NumberRange).to < next) index += 1;
    for (let at = index; at < others.length && next <= to; at += 1) {
      const other = others[at] as NumberRange;
      if (other.from > to) break;
      if (other.from > next) rest.push({ from: next, to: other.from - 1 });
      next = Math.max(next, other.to + 1);
    }
    if (next <= to) rest.push({ from: next, to });
  }
  return rest;
}

export function size(numbers: NumberSet): number {
  return numbers.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** `1–4, 7`: the first few. */
export function shown(numbers: NumberSet, most = 3): string {
  const texts = numbers.slice(0, most).map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`));
  return `${texts.join(', ')}${numbers.length > most ? ', …' : ''}`;
}
