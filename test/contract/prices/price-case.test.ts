/** What a case says is taken apart as its totals include their parts, and judged by its own tolerance. */
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook } from '@tokenledger/pricing';
import { describe, expect, test } from 'vitest';
import { amountOf, type PriceCase, quantitiesOf, timeOf } from '../../prices/price-case.ts';
import { judge } from '../../prices/verdict.ts';

const SOURCES = `sources: { page: { url: 'https://example.com/prices', date: 2026-01-02 } }`;

function bookOf(block: string): PriceBook {
  const book = parsePriceBook(`${SOURCES}\nblocks:\n  - { source: page, effective_from: 2026-01-01, ${block} }\n`);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

const books = {
  shipped: bookOf('provider: p, models: [m], prices: { standard: { input: 3, cache_read: 0.3, output: 15 } }'),
  disputed: bookOf('provider: p, models: [m], prices: { standard: { input: 4, output: 15 } }'),
};

const CASE: PriceCase = {
  id: 'c',
  provider: 'p',
  model: 'm',
  usage: { input_tokens: 1_000, output_tokens: 100 },
  at: '2026-02-03',
  usd: '0.0045',
  tolerance_relative: 1e-6,
  basis: 'test',
};

const nonzero = (usage: PriceCase['usage']): object =>
  Object.fromEntries(Object.entries(quantitiesOf({ usage }).quantities).filter(([, quantity]) => quantity !== 0));

describe('totals include their parts', () => {
  test.each<readonly [string, PriceCase['usage'], object]>([
    [
      'cached and reasoning',
      { input_tokens: 10, cache_read_tokens: 4, output_tokens: 9, output_reasoning_tokens: 5 },
      { uncached_input: 6, cache_read: 4, visible_output: 4, reasoning: 5 },
    ],
    [
      'other names of the same',
      { input_tokens: 10, cached_input_tokens: 4, reasoning_tokens: 0, web_searches: 2 },
      { uncached_input: 6, cache_read: 4, web_search_requests: 2 },
    ],
    [
      'writes to a cache, told apart by time',
      { input_tokens: 10, cache_write_tokens: 6, cache_write_5m_tokens: 2, cache_write_1h_tokens: 4 },
      { uncached_input: 4, cache_write_5m: 2, cache_write_1h: 4 },
    ],
    ['writes to a cache, not told apart', { input_tokens: 10, cache_write_tokens: 6 }, { uncached_input: 4, cache_write_5m: 6 }],
    [
      'sound of which some is cached',
      { input_tokens: 10, input_audio_tokens: 5, cache_read_tokens: 3, cache_audio_read_tokens: 2 },
      { uncached_input: 4, cache_read: 1, cached_audio: 2, input_audio: 3 },
    ],
    [
      'text that is what is left',
      { input_tokens: 10, input_text_tokens: 7, input_image_tokens: 3, output_tokens: null },
      { uncached_input: 7, input_image: 3 },
    ],
  ])('%s', (_, usage, expected) => {
    expect(nonzero(usage)).toEqual(expected);
  });

  test('parts that exceed their total, and fields without a class, are errors', () => {
    expect(() => quantitiesOf({ usage: { input_tokens: 1, cache_read_tokens: 2 } })).toThrow('the parts of input_tokens exceed it by 1');
    expect(() => quantitiesOf({ usage: { input_tokens: 1, sparkles: 2 } })).toThrow('sparkles');
  });
});

test('a day alone is its noon', () => {
  expect(timeOf(CASE)).toBe(Date.parse('2026-02-03T12:00:00Z'));
  for (const at of [
    '2026-02-03T17:00:00+00:00',
    '2026-02-03T18:00:00+01:00',
    '2026-02-03T17:00:00',
    '2026-02-03 17:00:00Z',
    '1770138000',
  ]) {
    expect([at, timeOf({ at })]).toEqual([at, Date.parse('2026-02-03T17:00:00Z')]);
  }
});

test.each([
  ['0.5', 5n * 10n ** 29n],
  ['12', 12n * 10n ** 30n],
  ['1.25e-8', 125n * 10n ** 20n],
  ['2E+1', 2n * 10n ** 31n],
  ['0.0004970133333333333', 4_970_133_333_333_333n * 10n ** 11n],
])('the amount %s is read as it stands', (usd, expected) => {
  expect(amountOf({ usd })).toBe(expected);
});

test.each(['', 'free', '-1', '1,5'])('%j is no amount', (usd) => {
  expect(() => amountOf({ usd })).toThrow('is no amount');
});

describe('a case', () => {
  test.each<readonly [string, Partial<PriceCase>, string, string]>([
    ['agrees within its tolerance', { usd: '0.004500004' }, 'agrees', '0.004500000000'],
    ['differs beyond it', { usd: '0.00450001' }, 'differs', '0.004500000000'],
    ['is listed where its source took disputed prices', { usd: '0.0055' }, 'listed', '0.004500000000'],
    ['differs where it costs nothing and should not', { usd: '0' }, 'differs', '0.004500000000'],
  ])('%s', (_, change, outcome, computedUsd) => {
    expect(judge({ ...CASE, ...change }, books)).toMatchObject({ outcome, computedUsd });
  });

  test('without a price says which are near', () => {
    expect(judge({ ...CASE, model: 'm-2' }, books)).toMatchObject({
      outcome: 'differs',
      computedUsd: null,
      why: expect.stringContaining('nearest') as unknown,
    });
  });

  test('of a router is told apart', () => {
    const isRouter = (provider: string): boolean => judge({ ...CASE, provider }, books).isRouter;
    expect(['p', 'openrouter', 'huggingface_novita'].map(isRouter)).toEqual([false, true, true]);
  });

  test.each<readonly [string, Partial<PriceCase>]>([
    ['its provider before the name', { model: 'p/m' }],
    ['that it is a model', { model: 'models/m' }],
    ['its provider in other letters', { provider: ' P ' }],
    ['the tier of whoever asked for none', { service_tier: 'default' }],
    ['no tier and no region', { service_tier: null, region: null }],
    ['other names of what was used', { usage: { prompt_tokens: 1_000, completion_tokens: 100, cached_tokens: 0 } }],
  ])('may state %s', (_, change) => {
    expect(judge({ ...CASE, ...change }, books)).toMatchObject({ outcome: 'agrees' });
  });

  test('names the page that disputes it', () => {
    expect(judge({ ...CASE, usd: '0.0055' }, books).why).toContain('https://example.com/prices');
  });
});
