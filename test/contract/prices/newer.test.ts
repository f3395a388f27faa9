/** What a later version of the collection has besides the installed one, or otherwise, goes into the book with the day of each change. */
import { readFileSync } from 'node:fs';
import { PRICE_BOOK_CHARACTERS_MAX } from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { madeBook } from '../../prices/book-text.ts';
import { newerText } from '../../prices/newer-text.ts';

const DAY = '2026-11-09';
const overrides = readFileSync(new URL('overrides.yaml', SHIPPED_PRICE_BOOK), 'utf8');

/** Groq as it might be later: of the installed version it has Kimi K2 and Llama 3.3. */
const later = [
  {
    id: 'groq',
    pricing_urls: ['https://example.com/groq'],
    models: [
      { id: 'k2', match: { equals: 'moonshotai/kimi-k2-instruct' }, prices: { input_mtok: 9, output_mtok: 11 } },
      {
        id: 'llama',
        match: { or: [{ equals: 'llama-3.3-70b-versatile' }, { equals: 'llama-next' }] },
        prices: [
          { prices: { input_mtok: 7, output_mtok: 8 } },
          { constraint: { type: 'start_date', start_date: '2026-10-01' }, prices: { input_mtok: 5, output_mtok: 6 } },
        ],
      },
      { id: 'songs', match: { equals: 'songs' }, prices: { input_mchars: 3 } },
    ],
  },
  { id: 'somebody', models: [{ id: 'm', match: { equals: 'm' }, prices: { input_mtok: 1 } }] },
];

function bookOf(text: string): PriceBook {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

const made = newerText(overrides, JSON.stringify(later), DAY);
const book = bookOf(madeBook(overrides, made.text));

function inputPrice(model: string, at: string): bigint | undefined {
  return book
    .pricesOf('groq', model)
    ?.priceOf({ usageClass: 'uncached_input', serviceTier: 'standard', region: '', atMs: Date.parse(at), inputTokens: 1 })?.price;
}

test('a price without a day holds from the day on which it was read, and until then the installed one does', () => {
  const before = inputPrice('moonshotai/kimi-k2-instruct', '2026-11-08');
  expect(before).toBeDefined();
  expect(before).not.toBe(inputPrice('moonshotai/kimi-k2-instruct', DAY));
  expect(inputPrice('moonshotai/kimi-k2-instruct', DAY)).toBe(9_000_000_000_000n);
});

test('a price with a day is taken with all of its history, and a name that is new has it too', () => {
  for (const name of ['llama-3.3-70b-versatile', 'llama-next']) {
    expect([name, inputPrice(name, '2026-09-30'), inputPrice(name, '2026-10-01')]).toEqual([name, 7_000_000_000_000n, 5_000_000_000_000n]);
  }
});

test('what costs the same is not stated again, nor what nobody asked for; what a book cannot say is named', () => {
  const blocks: readonly { provider: string }[] = parse(made.text, { schema: 'failsafe' }).blocks;
  expect(new Set(blocks.map(({ provider }) => provider))).toEqual(new Set(['groq']));
  expect(made.left).toEqual(['groq/songs: no class of a price book is charged by input_mchars']);
  expect(newerText(overrides, JSON.stringify([]), DAY).text).not.toContain('provider');
});

test('the book that ships fits into a document', () => {
  expect(readFileSync(SHIPPED_PRICE_BOOK, 'utf8').length).toBeLessThan(PRICE_BOOK_CHARACTERS_MAX);
});
