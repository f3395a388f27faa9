import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import type { CollectedBlocks } from '../collection/blocks.ts';
import { parsePriceBook, type PriceBook } from '../price-book.ts';
import { readGenaiPrices } from './genai-prices.ts';
import { type ImportedBook, importPrices } from './import-book.ts';

const FROM = '2026-12-01';
const SINCE = '2026-11-21';

const BOOK = `
sources:
  page: { url: 'https://example.com/prices', date: 2026-01-02 }
  list: { url: 'https://example.com/list', date: 2026-01-02, unlisted: as_containing }
blocks:
  - { provider: p, source: page, models: [a, b], effective_from: 2026-01-01, prices: { standard: { input: 3, output: 15 }, batch: { input: 1.5 } } }
  - { provider: p, source: list, models: [c], effective_from: 2026-01-01, prices: { standard: { input: 1, output: 2 } } }
  - { provider: p, source: page, models: [d], effective_from: 2026-01-01, prices: { standard: { input: 1 } } }
  - { provider: p, source: page, models: [d], effective_from: 2026-01-01, daily: '01:00-02:00', prices: { standard: { input: 2 } } }
  - { provider: p, source: page, prefixes: [wide-], effective_from: 2026-01-01, prices: { standard: { input: 7 } } }
  - { provider: q, source: page, models: [a], effective_from: 2026-01-01, prices: { standard: { input: 3 } } }
`;

type Prices = Readonly<Record<string, Readonly<Record<string, string>>>>;

function said(name: string, prices: Prices): CollectedBlocks {
  const names = { models: [name] };
  return { model: name, names, blocks: [{ provider: 'p', ...names, source: 'x', effective_from: SINCE, prices }] };
}

function imported(models: readonly CollectedBlocks[], text = BOOK): ImportedBook {
  const source = { name: 'import', url: 'https://example.com/import', date: SINCE, unlisted: 'as_containing' } as const;
  const made = importPrices({ text, imported: { models, leftOut: [] }, source, from: FROM, about: { number: '3', author: 'ann' } });
  if (isRejected(made)) throw new Error(made.message);
  return made;
}

function inputOf(book: PriceBook, model: string, at: string, serviceTier = 'standard'): bigint | undefined {
  const question = { usageClass: 'uncached_input', serviceTier, region: '', atMs: Date.parse(at), inputTokens: 1 } as const;
  return book.pricesOf('p', model)?.priceOf(question)?.price;
}

const usd = (dollars: number): bigint => BigInt(dollars * 10) * 10n ** 11n;

test('a price that changed ends at the instant and goes on; what held before, other tiers and other names stay', () => {
  const { book, changes, unchanged } = imported([said('a', { standard: { input: '2.5', output: '15.0' } })]);
  expect(changes).toEqual([
    { kind: 'changed', provider: 'p', model: 'a', tier: 'standard', usageClass: 'input', aboveInputTokens: 0, before: '3', after: '2.5' },
  ]);
  expect(unchanged).toBe(0);
  expect([inputOf(book, 'a', '2026-11-30'), inputOf(book, 'a', FROM)]).toEqual([usd(3), usd(2.5)]);
  expect([inputOf(book, 'b', FROM), inputOf(book, 'a', FROM, 'batch')]).toEqual([usd(3), usd(1.5)]);
  expect(book.about).toMatchObject({ number: 3, author: 'ann' });
});

test('what the file confirms is not touched, however it is written', () => {
  const before = parsePriceBook(BOOK);
  const made = imported([
    said('a', { standard: { input: '3.00', output: '15000 per 1000000000' } }),
    said('c', { standard: { cache_read: '1' } }),
  ]);
  expect(made).toMatchObject({ changes: [], unchanged: 2 });
  expect(isRejected(before) ? '' : before.version).toBe(made.book.version);
});

test('a name that the book does not have is new, and one whose price a beginning has is left', () => {
  const { book, changes, leftOut } = imported([said('new-1', { standard: { input: '4' } }), said('wide-1', { standard: { input: '4' } })]);
  expect(changes.map(({ kind, model, after }) => [kind, model, after])).toEqual([['new', 'new-1', '4']]);
  expect(inputOf(book, 'new-1', FROM)).toBe(usd(4));
  expect(inputOf(book, 'wide-1', FROM)).toBe(usd(7));
  expect(leftOut.map(({ what }) => what)).toEqual(['p/wide-1']);
  expect(imported([said('wide-1', { standard: { input: '7' } })])).toMatchObject({ changes: [], leftOut: [], unchanged: 1 });
});

test('a tier may have a block of its own, of another kind', () => {
  const priority = `  - { provider: p, source: page, models: [a], effective_from: 2026-01-01, up_to_input_tokens: 9000, prices: { priority: { input: 6 } } }\n`;
  const { changes, leftOut } = imported([said('a', { standard: { input: '2' } })], `${BOOK}${priority}`);
  expect([changes.length, leftOut]).toEqual([1, []]);
});

test('a class that was not priced is new; one that cost what contains it, and does not any more, changes', () => {
  const { changes } = imported([
    said('a', { standard: { cache_read: '0.3' } }),
    said('c', { standard: { cache_read: '1', cache_write_5m: '1.25' } }),
  ]);
  expect(changes.map(({ kind, model, usageClass }) => [kind, model, usageClass])).toEqual([
    ['new', 'a', 'cache_read'],
    ['changed', 'c', 'cache_write_5m'],
  ]);
});

test('a longer time in a cache is no input where a shorter one has a price', () => {
  const text = BOOK.replace(
    'models: [c], effective_from: 2026-01-01, prices: { standard: { input: 1, output: 2 } }',
    'models: [c], effective_from: 2026-01-01, prices: { standard: { input: 1, cache_write_5m: 1.25 } }',
  );
  const { changes } = imported([said('c', { standard: { cache_write_1h: '2' } })], text);
  expect(changes).toMatchObject([{ kind: 'new', usageClass: 'cache_write_1h', before: null, after: '2' }]);
});

test('hours of the day are nothing that an import can change', () => {
  const { changes, leftOut } = imported([said('d', { standard: { input: '9' } })]);
  expect(changes).toEqual([]);
  expect(leftOut.map(({ what }) => what)).toEqual(['p/d']);
});

test('names that the file does not have are gone, of its providers alone', () => {
  expect(imported([said('a', { standard: { input: '3' } })]).gone).toEqual(['p/b', 'p/c', 'p/d', 'p/wide-']);
});

test('a second import of the same file changes nothing', () => {
  const models = [said('a', { standard: { input: '2.5' } }), said('new-1', { standard: { input: '4' } })];
  const first = imported(models);
  expect(imported(models, first.text)).toMatchObject({ changes: [], unchanged: 2, book: { version: first.book.version } });
});

test('names of one block that go on differently are parted', () => {
  const { book } = imported([said('a', { standard: { input: '2' } }), said('b', { standard: { input: '1' } })]);
  expect(['a', 'b'].map((name) => inputOf(book, name, FROM))).toEqual([usd(2), usd(1)]);
  expect(['a', 'b'].map((name) => inputOf(book, name, '2026-02-02'))).toEqual([usd(3), usd(3)]);
});

test('longer requests that cost otherwise are taken along, with what is not stated for them', () => {
  const names = { models: ['a'] };
  const long = { above_input_tokens: '200000', prices: { standard: { input: '6' } } };
  const block = { provider: 'p', ...names, source: 'x', effective_from: SINCE, prices: { standard: { input: '3' } }, long_context: long };
  const { book, changes } = imported([{ model: 'a', names, blocks: [block] }]);
  expect(changes).toMatchObject([{ kind: 'changed', usageClass: 'input', aboveInputTokens: 200_000, before: '3', after: '6' }]);
  const priceOf = (usageClass: 'uncached_input' | 'visible_output', serviceTier: string): bigint | undefined =>
    book.pricesOf('p', 'a')?.priceOf({ usageClass, serviceTier, region: '', atMs: Date.parse(FROM), inputTokens: 200_001 })?.price;
  expect([priceOf('uncached_input', 'standard'), priceOf('visible_output', 'standard'), priceOf('uncached_input', 'batch')]).toEqual([
    usd(6),
    usd(15),
    usd(1.5),
  ]);
});

test('of a new name too, and what is stated for them alone changes nothing else', () => {
  const names = { models: ['long-1'] };
  const long = { above_input_tokens: '200000', prices: { standard: { input: '6' } } };
  const block = {
    provider: 'p',
    ...names,
    source: 'x',
    effective_from: SINCE,
    prices: { standard: { input: '3', output: '9' } },
    long_context: long,
  };
  const first = imported([{ model: 'long-1', names, blocks: [block] }]);
  const output = first.book.pricesOf('p', 'long-1')?.priceOf({
    usageClass: 'visible_output',
    serviceTier: 'standard',
    region: '',
    atMs: Date.parse(FROM),
    inputTokens: 200_001,
  });
  expect(output?.price).toBe(usd(9));
  expect(imported([{ model: 'long-1', names, blocks: [block] }], first.text)).toMatchObject({ changes: [], unchanged: 1 });
});

test('a book that is none is refused', () => {
  const source = { name: 'import', url: 'https://example.com/import', date: SINCE, unlisted: 'unknown' } as const;
  const made = importPrices({ text: 'blocks: []', imported: { models: [], leftOut: [] }, source, from: FROM, about: {} });
  expect(made).toMatchObject({ kind: 'rejected', code: 'PRICE_BOOK_INVALID' });
});

test('files of the public collection are read model by model: what one says that a book cannot leaves the others', () => {
  const models = [
    { id: 'a', match: { equals: 'a' }, prices: { input_mtok: 2 } },
    { id: 'odd', match: { regex: '^(a|b)+$' }, prices: { input_mtok: 2 } },
    {
      id: 'old',
      match: { equals: 'old' },
      prices: [{ prices: { input_mtok: 9 } }, { constraint: { type: 'start_date', start_date: '2026-02-02' }, prices: { input_mtok: 2 } }],
    },
  ];
  const read = readGenaiPrices(JSON.stringify([{ id: 'p', models }]), { source: 'x', since: SINCE });
  if (isRejected(read)) throw new Error(read.message);
  expect(read.models.map(({ model, blocks }) => [model, blocks.map(({ effective_from: from }) => from)])).toEqual([
    ['a', [SINCE]],
    ['old', ['2026-02-02']],
  ]);
  expect(read.leftOut.map(({ what }) => what)).toEqual(['p/odd']);
  expect(readGenaiPrices('{}', { source: 'x', since: SINCE })).toMatchObject({ code: 'PRICES_UNREADABLE' });
});
