import { readFileSync } from 'node:fs';
import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { aboutBookText } from './about-book.ts';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from './price-book.ts';

const ABOUT = { number: 12, author: 'ann', note: 'autumn: prices', at: Date.parse('2026-09-01') };

test.each([
  ['on a line', `about: { number: 12, author: ann, note: 'autumn: prices', at: 2026-09-01 }\nsources: {}\n`],
  [
    'on several, after others',
    `sources:\n  a: b\nabout:\n  number: 12\n  # who\n  author: ann\n\n  note: 'autumn: prices'\n  at: 2026-09-01\nblocks: []\n`,
  ],
  ['in JSON', JSON.stringify({ about: { number: 12, author: 'ann', note: 'autumn: prices', at: '2026-09-01' }, blocks: [] }, null, 2)],
])('what a book says of itself is read %s', (_, text) => {
  expect(aboutBookText(text)).toEqual(ABOUT);
});

test.each(['', 'blocks: []', 'about: 7', 'about: { number: many }', '{', 'about: ['])('%j says nothing of itself', (text) => {
  expect(aboutBookText(text)).toEqual({ author: '', note: '' });
});

test('of the book that ships it is what reading all of it gives', () => {
  const text = readFileSync(SHIPPED_PRICE_BOOK, 'utf8');
  const book = parsePriceBook(text);
  expect(isRejected(book) ? {} : book.about).toEqual(aboutBookText(text));
});
