import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { bookDoubts } from './book-lint.ts';
import { parsePriceBook } from './price-book.ts';

const NOW_MS = Date.parse('2026-06-01');

function doubtsOf(...blocks: readonly string[]): readonly string[] {
  const written = blocks.map((block) => `  - { provider: p, source: page, models: [m], ${block} }\n`).join('');
  const book = parsePriceBook(`sources: { page: { url: 'https://example.com', date: 2026-03-03 } }\nblocks:\n${written}`);
  if (isRejected(book)) throw new Error(book.message);
  return bookDoubts(book, { nowMs: NOW_MS, sourceDaysMax: 90 }).map(({ kind, entry }) => `${kind} ${entry.id}`);
}

const FROM = 'effective_from: 2026-01-01';

test.each([
  ['a page that was read 90 days ago is not old', [`${FROM}, prices: { standard: { uncached_input: 3 } }`], []],
  [
    'a cache that is dearer than input',
    [`${FROM}, prices: { standard: { uncached_input: 3, cache_read: 4 } }`],
    ['cache_dearer_than_input p/m/cache_read/2026-01-01'],
  ],
  [
    'a batch that is dearer than none',
    [`${FROM}, prices: { standard: { uncached_input: 3 }, batch: { uncached_input: 10 per 1000 } }`],
    ['batch_dearer_than_standard p/m/batch/uncached_input/2026-01-01'],
  ],
  [
    'a price that ended',
    [`${FROM}, effective_to: 2026-05-01, prices: { standard: { uncached_input: 3 } }`],
    ['ended p/m/uncached_input/2026-01-01'],
  ],
  [
    'a price that another follows did not end',
    [
      `${FROM}, effective_to: 2026-05-01, prices: { standard: { uncached_input: 3 } }`,
      'effective_from: 2026-05-01, prices: { standard: { uncached_input: 2 } }',
    ],
    [],
  ],
])('%s', (_, blocks, doubts) => {
  expect(doubtsOf(...blocks)).toEqual(doubts);
});

test('a price of longer requests did not end where what follows has none for them', () => {
  const book = parsePriceBook(`sources: { page: { url: 'https://example.com', date: 2026-03-03 } }
blocks:
  - { provider: p, source: page, containing: [m], ${FROM}, effective_to: 2026-05-01, prices: { standard: { uncached_input: 3 } }, long_context: { above_input_tokens: 9, prices: { standard: { uncached_input: 6 } } } }
  - { provider: p, source: page, containing: [m], effective_from: 2026-05-01, prices: { standard: { uncached_input: 3 } } }
`);
  if (isRejected(book)) throw new Error(book.message);
  expect(bookDoubts(book, { nowMs: NOW_MS, sourceDaysMax: 90 })).toEqual([]);
});

test('a page that was read longer ago is old', () => {
  const book = parsePriceBook(
    `sources: { page: { url: 'https://example.com', date: 2026-03-02 } }\nblocks:\n  - { provider: p, source: page, models: [m], ${FROM}, prices: { standard: { uncached_input: 3 } } }\n`,
  );
  if (isRejected(book)) throw new Error(book.message);
  expect(bookDoubts(book, { nowMs: NOW_MS, sourceDaysMax: 90 }).map(({ kind }) => kind)).toEqual(['old_source']);
});
