import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { parsePriceBook, type PriceBook } from './price-book.ts';
import { priceSchedule } from './price-schedule.ts';

function bookWith(price: string): PriceBook {
  const book = parsePriceBook(`
sources: { page: { url: https://example.com/prices, date: 2026-01-01 } }
blocks:
  - { provider: openai, models: [m], effective_from: 2026-01-01, source: page, prices: { standard: { input: ${price} } } }`);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

const [first, second, third] = [bookWith('1'), bookWith('2'), bookWith('3')];
const activation = (id: string, activatesAtMs: number, book: PriceBook) => ({ id, activatesAtMs, book });

test('the first book holds until another is activated, at the very instant of its activation', () => {
  const schedule = priceSchedule(first, [activation('spring', 1_000, second)]);
  expect(schedule.bookAt(999)).toBe(first);
  expect(schedule.bookAt(1_000)).toBe(second);
  expect(priceSchedule(first).bookAt(1_000)).toBe(first);
});

test('each book holds until the next one, however the activations came', () => {
  const activations = [activation('a', 3_000, first), activation('b', 1_000, second), activation('c', 2_000, third)];
  for (const order of [activations, activations.toReversed()]) {
    const schedule = priceSchedule(first, order);
    expect([500, 1_500, 2_500, 3_500].map((atMs) => schedule.bookAt(atMs))).toEqual([first, second, third, first]);
  }
});

test('of two activations at one instant the one with the greater id holds', () => {
  const activations = [activation('a', 1_000, second), activation('b', 1_000, third)];
  for (const order of [activations, activations.toReversed()]) expect(priceSchedule(first, order).bookAt(1_000)).toBe(third);
});
