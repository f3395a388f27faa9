import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { parsePriceBook } from '../price-book.ts';
import { type CollectedBlocks, collectedBlocks, type CollectionOptions } from './blocks.ts';
import { parseCollectedProvider } from './data.ts';

const OPTIONS: CollectionOptions = {
  source: 'all',
  earliest: '2020-01-01',
  alwaysDated: false,
  isTaken: () => false,
  without: () => new Set(),
};

function blocksOf(models: readonly object[], options: Partial<CollectionOptions> = {}): readonly CollectedBlocks[] {
  return collectedBlocks(parseCollectedProvider({ id: 'p', models }), { ...OPTIONS, ...options });
}

const equals = (id: string, prices: unknown): object => ({ id, match: { equals: id }, prices });

test('names are exact, dated, beginnings, endings or parts, as the matcher says', () => {
  const match = {
    or: [
      { equals: 'a.1' },
      { regex: '^a\\.1-\\d{4}-\\d{2}-\\d{2}$' },
      { regex: '^b\\[fast=true\\]$' },
      { and: [{ starts_with: 'c-' }, { regex: '^(?!.*-tts$)' }] },
      { ends_with: '.d' },
      { contains: 'e' },
    ],
  };
  expect(blocksOf([{ id: 'a', match, prices: { input_mtok: 1 } }])[0]?.names).toEqual({
    dated: ['a.1'],
    models: ['b[fast=true]'],
    prefixes: ['c-'],
    endings: ['.d'],
    containing: ['e'],
  });
});

test('a pattern that no name of a book can stand for is an error', () => {
  expect(() => blocksOf([{ id: 'a', match: { regex: '^a.*b$' }, prices: {} }])).toThrow('^a.*b$');
});

test('the first model that claims a name has it, unless somebody states its price better', () => {
  const models = [
    equals('a', { input_mtok: 1 }),
    { id: 'b', match: { or: [{ equals: 'A' }, { equals: 'b' }] }, prices: { input_mtok: 2 } },
  ];
  expect(blocksOf(models).map(({ names }) => names)).toEqual([{ models: ['a'] }, { models: ['b'] }]);
  expect(blocksOf(models, { isTaken: (name) => name === 'b' }).map(({ model }) => model)).toEqual(['a']);
});

test('prices are the digits that were written, whatever a float would print', () => {
  const [of] = blocksOf([equals('a', { input_mtok: 1e-7, output_mtok: 0.08333333333333334, web_searches_kcount: 10, audio_hours: 0.36 })]);
  expect(of?.blocks[0]?.prices).toEqual({
    standard: { input: '0.0000001', output: '0.083333333333', web_search_requests: '10 per 1000', audio_seconds: '0.36 per hour' },
  });
});

test('a key that no class is charged by is an error', () => {
  expect(() => blocksOf([equals('a', { sparkles_mtok: 1 })])).toThrow('sparkles_mtok');
});

test('thresholds change the prices of the whole request', () => {
  const tiers = { base: 1, tiers: [{ start: 200_000, price: 2 }] };
  const [of] = blocksOf([equals('a', { input_mtok: tiers, output_mtok: 5 })]);
  expect(of?.blocks[0]).toMatchObject({
    prices: { standard: { input: '1', output: '5' } },
    long_context: { above_input_tokens: '200000', prices: { standard: { input: '2', output: '5' } } },
  });
});

test('a start date ends the period before it, hours are exceptions to the period that they follow', () => {
  const hours = { type: 'time_of_date', start_time: '16:30:00Z', end_time: '00:30:00Z' };
  const [of] = blocksOf([
    equals('a', [
      { prices: { input_mtok: 1 } },
      { constraint: { type: 'start_date', start_date: '2026-03-01' }, prices: { input_mtok: 2 } },
      { constraint: hours, prices: { input_mtok: 3 } },
    ]),
  ]);
  expect(
    of?.blocks.map(({ effective_from: from, effective_to: to, daily, prices }) => [from, to, daily, prices['standard']?.['input']]),
  ).toEqual([
    ['2020-01-01', '2026-03-01', undefined, '1'],
    ['2026-03-01', undefined, undefined, '2'],
    ['2026-03-01', undefined, '16:30-00:30', '3'],
  ]);
});

test('a model without prices costs nothing where its name says so, and has none elsewhere', () => {
  const [free, unknown] = blocksOf([equals('a:free', {}), equals('b', {})]);
  expect(free?.blocks[0]?.prices).toEqual({ standard: { input: '0', output: '0' } });
  expect(unknown).toMatchObject({ names: { models: ['b'] }, blocks: [] });
});

test('what somebody states better is left out', () => {
  const [of] = blocksOf([equals('a', { input_mtok: 1, requests_kcount: 12 })], { without: () => new Set(['requests']) });
  expect(of?.blocks[0]?.prices).toEqual({ standard: { input: '1' } });
});

test('blocks are blocks of a price book', () => {
  const blocks = blocksOf([equals('a', { input_mtok: 1, output_mtok: 2 })]).flatMap((each) => each.blocks);
  const book = parsePriceBook(JSON.stringify({ sources: { all: { url: 'https://example.com', date: '2026-01-01' } }, blocks }));
  expect(isRejected(book)).toBe(false);
});
