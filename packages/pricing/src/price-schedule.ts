/** Which price book holds when: the first one until another is activated, then each from its instant on. Chosen by an event's own time alone, never by when
 *  an activation was heard of. */
import type { PriceBook } from './price-book.ts';

export interface PriceActivation {
  /** Breaks a tie of two activations at one instant: the greater id holds. */
  readonly id: string;
  /** Milliseconds since the epoch; the book holds for what was served then or later. */
  readonly activatesAtMs: number;
  readonly book: PriceBook;
}

export interface PriceSchedule {
  /** The book in force at `atMs`, milliseconds since the epoch. */
  bookAt(atMs: number): PriceBook;
}

/** `first` holds before any activation. */
export function priceSchedule(first: PriceBook, activations: readonly PriceActivation[] = []): PriceSchedule {
  const latestFirst = activations.toSorted((a, b) => b.activatesAtMs - a.activatesAtMs || (a.id < b.id ? 1 : -1));
  return { bookAt: (atMs) => latestFirst.find(({ activatesAtMs }) => activatesAtMs <= atMs)?.book ?? first };
}
