import { readFileSync } from 'node:fs';
import { isRejected } from '@tokenledger/domain';
import { NOTHING_AGREED, parsePriceBook, priceSchedule, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { expect, test } from 'vitest';
import { freshPrices, type PriceView } from './price-view.ts';

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);

const BEHIND_MS_MAX = 30_000;
const inForce = { prices: priceSchedule(book), agreed: NOTHING_AGREED };
const viewOf = (behindMs: number): PriceView => ({ current: () => inForce, behindMs: () => behindMs });

test('prices are used while they are at most as old as allowed', () => {
  const view = viewOf(BEHIND_MS_MAX);
  expect(freshPrices(view, BEHIND_MS_MAX).prices.bookAt(0)).toBe(book);
});

test('older ones are refused, so that the batch is tried again', () => {
  const view = viewOf(BEHIND_MS_MAX + 1);
  expect(() => freshPrices(view, BEHIND_MS_MAX)).toThrow(expect.objectContaining({ code: 'PRICES_STALE', retryable: true }));
});
