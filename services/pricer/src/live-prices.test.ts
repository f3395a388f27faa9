import { readFileSync } from 'node:fs';
import { type ControlDocument, documentSet } from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { expect, test } from 'vitest';
import { bookCache, scheduleOf } from './live-prices.ts';

const text = readFileSync(SHIPPED_PRICE_BOOK, 'utf8');
const first = parsePriceBook(text);
if (isRejected(first)) throw new Error(first.message);

const AT = '2026-12-01T00:00:00.000Z';
const book: ControlDocument = { kind: 'price_book', id: 'winter', text: text.replaceAll('input: 3,', 'input: 6,') };
const activation: ControlDocument = { kind: 'price_book_activation', id: 'december', price_book: 'winter', activates_at: AT };

test('a book that is there but not activated changes nothing', () => {
  expect(scheduleOf(documentSet([book]), first, bookCache()).bookAt(Date.parse(AT))).toBe(first);
});

test('an activated book holds from its instant on', () => {
  const schedule = scheduleOf(documentSet([book, activation]), first, bookCache());
  expect(schedule.bookAt(Date.parse(AT) - 1)).toBe(first);
  expect(schedule.bookAt(Date.parse(AT)).version).not.toBe(first.version);
});

test('a book is read once for as long as it does not change', () => {
  const books = bookCache();
  const versions = [scheduleOf(documentSet([book, activation]), first, books), scheduleOf(documentSet([activation, book]), first, books)];
  expect(versions[0]?.bookAt(Date.parse(AT))).toBe(versions[1]?.bookAt(Date.parse(AT)));
});

test('an activation whose book is missing or cannot be read makes events wait, never prices them otherwise', () => {
  const waits = expect.objectContaining({ code: 'PRICE_BOOK_UNUSABLE', retryable: true });
  expect(() => scheduleOf(documentSet([activation]), first, bookCache())).toThrow(waits);
  expect(() => scheduleOf(documentSet([{ ...book, text: 'blocks: []' }, activation]), first, bookCache())).toThrow(waits);
});
