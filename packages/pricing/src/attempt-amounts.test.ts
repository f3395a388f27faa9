import { type Attempt, type Factor, isRejected, UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AT_COST, type Contract, NO_CONTRACT, parseFactor, type RateCard } from './agreed-terms.ts';
import { type AttemptAmounts, rateAmounts } from './attempt-amounts.ts';
import { parsePriceBook, type PriceBook } from './price-book.ts';

const AT_MS = Date.parse('2026-06-01');
const USD = 1_000_000_000_000n;

function bookOf(prices: string): PriceBook {
  const book = parsePriceBook(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks:
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m], prices: { standard: { ${prices} } } }
`);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

function factor(text: string): Factor {
  const parsed = parseFactor(text);
  if (isRejected(parsed)) throw new Error(parsed.message);
  return parsed;
}

const book = bookOf('input: 3, cache_read: 0.3, cache_write_5m: 3.75, output: 15');

const attempt = (usage: Partial<Usage>): Attempt => ({
  attemptId: 'a',
  channelId: 'c',
  provider: 'p',
  requestedModel: 'm',
  servedModel: 'm',
  serviceTier: '',
  region: '',
  startedAtMs: AT_MS,
  completedAtMs: AT_MS,
  timeToFirstByteMs: 1,
  httpStatus: 200,
  errorClass: '',
  upstreamRequestId: '',
  usage: { ...UNKNOWN_USAGE, ...usage },
  usageSource: 'reported',
  usageBasis: '',
  usageReason: '',
  usageFlags: [],
  rawUsage: '',
});

/** A million of each, so that amounts read as prices. */
const MILLION = { uncached_input: 1_000_000, visible_output: 1_000_000 };
const amounts = (usage: Partial<Usage>, contract?: Contract, rateCard?: RateCard): AttemptAmounts =>
  rateAmounts(attempt(usage), { book, ...(contract ? { contract } : {}), ...(rateCard ? { rateCard } : {}) }, AT_MS);
const discount = (change: Partial<Contract['discounts'][number]>): Contract['discounts'][number] => ({
  provider: '',
  models: [],
  classes: [],
  factor: factor('0.5'),
  ...change,
});

test('without anything agreed, cost and bill are the list', () => {
  const { list, cost, billable, costLines } = amounts(MILLION);
  expect([list.cost, cost, billable]).toEqual([18n * USD, 18n * USD, 18n * USD]);
  expect(costLines).toEqual(list.lineItems);
});

describe('the cost', () => {
  test.each<readonly [string, Contract['discounts'][number], bigint]>([
    ['of everything', discount({}), 9n],
    ['of a provider', discount({ provider: 'p' }), 9n],
    ['of another provider', discount({ provider: 'q' }), 18n],
    ['of models that begin so', discount({ models: ['M'] }), 9n],
    ['of other models', discount({ models: ['n'] }), 18n],
    ['of a class', discount({ classes: ['visible_output'], factor: factor('0.8') }), 15n],
  ])('has a discount %s', (_, each, usd) => {
    expect(amounts(MILLION, { prices: null, discounts: [each] }).cost).toBe(usd * USD);
  });

  test('is what was negotiated, without a discount on it, and by the list where nothing was', () => {
    const contract = { prices: bookOf('uncached_input: 2'), discounts: [discount({ factor: factor('0.8') })] };
    expect(amounts(MILLION, contract)).toMatchObject({ list: { cost: 18n * USD }, cost: 14n * USD });
  });

  test('is known where only the contract has a price', () => {
    const contract = { prices: bookOf('input_audio: 9'), discounts: [] };
    const usage = { ...MILLION, input_audio: 1_000_000 };
    expect(amounts(usage)).toMatchObject({ list: { cost: null }, cost: null, billable: null });
    expect(amounts(usage, contract)).toMatchObject({ list: { cost: null, unpricedReason: 'price_missing' }, cost: 27n * USD });
  });
});

describe('what a tenant pays', () => {
  const half: Contract = { prices: null, discounts: [discount({})] };
  test.each<readonly [string, Partial<RateCard>, bigint]>([
    ['a markup on the cost', { factor: factor('1.2') }, 10_800_000_000_000n],
    ['a markup on the list', { basis: 'list', factor: factor('1.2') }, 21_600_000_000_000n],
    ['prices of its own, and the markup on the rest', { factor: factor('2'), prices: bookOf('uncached_input: 1') }, 16n * USD],
  ])('is %s', (_, change, billable) => {
    expect(amounts(MILLION, half, { ...AT_COST, ...change })).toMatchObject({ cost: 9n * USD, billable });
  });

  test('is rounded once, from the exact product', () => {
    const third = bookOf('uncached_input: 0.000000000001 per 3');
    const usage = { uncached_input: 2, visible_output: 0 };
    const doubled = rateAmounts(attempt(usage), { book: third, rateCard: { ...AT_COST, factor: factor('2') } }, AT_MS);
    // ⅔ of a pico-USD, doubled: 1⅓ and not 2.
    expect([doubled.cost, doubled.billable]).toEqual([1n, 1n]);
  });
});

describe('what caching saved', () => {
  test.each<readonly [string, Partial<Usage>, bigint | null]>([
    ['the difference to input', { ...MILLION, cache_read: 1_000_000 }, 2_700_000_000_000n],
    ['less what writing cost more', { ...MILLION, cache_read: 1_000_000, cache_write_5m: 1_000_000 }, 1_950_000_000_000n],
    ['less than nothing where nobody read', { ...MILLION, cache_write_5m: 1_000_000 }, -750_000_000_000n],
    ['nothing without a cache', MILLION, 0n],
    ['is not known where the cost is not', { ...MILLION, cache_write_1h: 1 }, null],
  ])('is %s', (_, usage, saved) => {
    expect(amounts(usage).saved).toBe(saved);
  });

  test('is reckoned at what it cost us', () => {
    expect(amounts({ ...MILLION, cache_read: 1_000_000 }, { prices: null, discounts: [discount({})] }).saved).toBe(1_350_000_000_000n);
  });
});

test('amounts are the sums of their lines, and null exactly with the list where nothing else has a price', () => {
  const tokens = fc.option(fc.integer({ min: 0, max: 10 ** 8 }));
  const usages = fc.record({
    uncached_input: tokens,
    cache_read: tokens,
    cache_write_1h: tokens,
    visible_output: tokens,
    reasoning: tokens,
  });
  const cents = fc.integer({ min: 0, max: 300 }).map((hundredths) => factor((hundredths / 100).toFixed(2)));
  fc.assert(
    fc.property(usages, cents, cents, (usage, off, markup) => {
      const contract = { ...NO_CONTRACT, discounts: [discount({ factor: off })] };
      const { list, cost, billable, costLines, billableLines } = amounts(usage, contract, { ...AT_COST, factor: markup });
      expect([cost === null, billable === null]).toEqual([list.cost === null, list.cost === null]);
      const sum = (lines: AttemptAmounts['costLines']): bigint => lines.reduce((total, line) => total + line.amount, 0n);
      if (cost !== null) expect([cost, billable]).toEqual([sum(costLines), sum(billableLines)]);
    }),
  );
});

test.each(['', '-1', '1e3', '0.0000001', '85%'])('%j is no factor', (text) => {
  expect(parseFactor(text)).toMatchObject({ code: 'FACTOR_INVALID' });
});
