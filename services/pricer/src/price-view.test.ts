import { readFileSync } from 'node:fs';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { expect, test } from 'vitest';
import { BEHIND_MS_MAX, fixedPrices, freshPrices } from './price-view.ts';

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);

test('prices are used while they are at most half as old as the notice of an activation', () => {
  const view = { ...fixedPrices(book), behindMs: () => BEHIND_MS_MAX };
  expect(freshPrices(view).bookAt(0)).toBe(book);
});

test('older ones are refused, so that the batch is tried again', () => {
  const view = { ...fixedPrices(book), behindMs: () => BEHIND_MS_MAX + 1 };
  expect(() => freshPrices(view)).toThrow(expect.objectContaining({ code: 'PRICES_STALE', retryable: true }));
});
