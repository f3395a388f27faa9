import { isRejected } from '@tokenledger/domain';
import { bookDifferences, parsePriceBook, type PriceBook } from '@tokenledger/pricing';
import { expect, test } from 'vitest';
import { bookSentence, differenceLine, shownPrices } from './prices.ts';

const SOURCES = `sources: { page: { url: 'https://example.com/prices', date: 2026-01-02 } }`;

function bookOf(...blocks: readonly string[]): PriceBook {
  const book = parsePriceBook(`${SOURCES}\nblocks:\n${blocks.map((block) => `  - { provider: p, source: page, ${block} }\n`).join('')}`);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

const book = bookOf(
  'models: [m], effective_from: 2026-01-01, effective_to: 2026-02-01, prices: { standard: { uncached_input: 3 } }',
  'models: [m], effective_from: 2026-02-01, prices: { standard: { uncached_input: 0.25 }, batch: { uncached_input: 0.125 } }',
);

test('prices are shown as they are at a time', () => {
  const shown = (at: string): string[] =>
    shownPrices(book, 'm', { at: Date.parse(at) })
      .split('\n')
      .slice(1)
      .map((line) =>
        line
          .split(/\s{2,}/)
          .slice(0, 5)
          .join(' '),
      );
  expect(shown('2026-01-31')).toEqual(['p standard - uncached_input 3 per 1000000']);
  expect(shown('2026-02-01')).toEqual(['p standard - uncached_input 0.25 per 1000000', 'p batch - uncached_input 0.125 per 1000000']);
});

test('what is not known is said, with what is near', () => {
  expect(shownPrices(book, 'm', { at: Date.parse('2025-01-01') })).toContain('no price of m is known at 2025-01-01');
  expect(
    shownPrices(bookOf('models: [abc-1], effective_from: 2026-01-01, prices: { standard: { input: 1 } }'), 'abc-2', { at: Date.now() }),
  ).toContain('near are p/abc-1');
});

test('differences are new, changed and gone prices', () => {
  const block = (prices: string, rest = ''): string =>
    `models: [m], effective_from: 2026-01-01, ${rest} prices: { standard: { ${prices} } }`;
  const [before, after] = [
    bookOf(block('uncached_input: 3, cache_read: 1')),
    bookOf(block('uncached_input: 2.5, visible_output: 9', 'effective_to: 2026-05-05,')),
  ];
  expect(bookDifferences(before, after).map(differenceLine)).toEqual([
    'gone     p/m/cache_read/2026-01-01: 1 per 1000000',
    'changed  p/m/uncached_input/2026-01-01: 3 per 1000000 → 2.5 per 1000000 (effectiveToMs)',
    'new      p/m/visible_output/2026-01-01: 9 per 1000000',
  ]);
  expect(bookDifferences(after, after)).toEqual([]);
});

test('a book is told by number, author, time and note as far as they are written', () => {
  const about = { number: 12, author: 'ann', note: 'autumn prices', at: Date.parse('2026-09-01') };
  expect(bookSentence({ entries: [], version: 'abc', about })).toBe(
    'a price book of 0 prices, version abc, number 12 by ann of 2026-09-01T00:00:00.000Z (autumn prices)',
  );
  expect(bookSentence({ entries: [], version: 'abc', about: { author: '', note: '' } })).toBe('a price book of 0 prices, version abc');
});
