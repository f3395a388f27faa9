import {
  type Attempt,
  type AttemptRating,
  type Factor,
  isRejected,
  ONE,
  type PicoUsd,
  UNKNOWN_USAGE,
  type Usage,
} from '@tokenledger/domain';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rateAgreed } from './agreed-rating.ts';
import { type Contract, type Discount, parseFactor, type RateCard } from './agreed-terms.ts';
import { parsePriceBook, type PriceBook } from './price-book.ts';
import { rate } from './rate.ts';

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
const ALWAYS = { effectiveFromMs: 0, effectiveToMs: null, activatesAtMs: 0 } as const;
const contractOf = (change: Partial<Contract> = {}): Contract => ({
  ...ALWAYS,
  id: 'contract',
  provider: 'p',
  channels: null,
  prices: null,
  discounts: [],
  volumeTerms: [],
  ...change,
});
const cardOf = (change: Partial<RateCard> = {}): RateCard => ({
  ...ALWAYS,
  id: 'card',
  tenant: '',
  prices: null,
  basis: 'cost',
  factor: ONE,
  currency: 'USD',
  volumeTerms: [],
  ...change,
});
const discount = (change: Partial<Discount>): Discount => ({ models: [], classes: [], factor: factor('0.5'), ...change });

interface Amounts {
  readonly list: PicoUsd | null | undefined;
  readonly cost: PicoUsd | null;
  readonly billable: PicoUsd | null | undefined;
}
const rated = (usage: Partial<Usage>, contract: Contract | null, rateCard: RateCard | null = null, prices = book): AttemptRating =>
  rateAgreed(attempt(usage), prices, { contract, rateCard }, AT_MS);
const amounts = (usage: Partial<Usage>, contract: Contract | null, rateCard: RateCard | null = null, prices = book): Amounts => {
  const { cost, agreed } = rated(usage, contract, rateCard, prices);
  return { list: agreed?.list, cost, billable: agreed?.billable };
};
const linesOf = (rating: AttemptRating, part: string): AttemptRating['lineItems'] =>
  rating.lineItems.filter(({ partOf }) => partOf.split(',').includes(part));

test('a contract without terms leaves cost and bill at the list, in lines that are part of all three', () => {
  const rating = rated(MILLION, contractOf());
  expect(amounts(MILLION, contractOf())).toEqual({ list: 18n * USD, cost: 18n * USD, billable: 18n * USD });
  expect(rating.lineItems.map(({ partOf }) => partOf)).toEqual(['list,cost,billable', 'list,cost,billable']);
  expect(rating.agreed?.contract).toBe('contract');
});

describe('the cost', () => {
  test.each<readonly [string, Discount, bigint]>([
    ['of everything', discount({}), 9n],
    ['of models that begin so', discount({ models: ['M'] }), 9n],
    ['of other models', discount({ models: ['n'] }), 18n],
    ['of a class', discount({ classes: ['visible_output'], factor: factor('0.8') }), 15n],
  ])('has a discount %s', (_, each, usd) => {
    expect(amounts(MILLION, contractOf({ discounts: [each] }))).toEqual({ list: 18n * USD, cost: usd * USD, billable: usd * USD });
  });

  test('is what was negotiated, without a discount on it, and by the list where nothing was', () => {
    const prices = bookOf('uncached_input: 2');
    const contract = contractOf({ prices, discounts: [discount({ factor: factor('0.8') })] });
    expect(amounts(MILLION, contract)).toMatchObject({ list: 18n * USD, cost: 14n * USD });
    expect(linesOf(rated(MILLION, contract), 'cost')).toMatchObject([
      { usageClass: 'uncached_input', factor: ONE, priceVersion: prices.version, partOf: 'cost,billable' },
      { usageClass: 'visible_output', factor: factor('0.8'), priceVersion: '', partOf: 'cost,billable' },
    ]);
  });

  test('is known where only the contract has a price', () => {
    const usage = { ...MILLION, input_audio: 1_000_000 };
    expect(amounts(usage, contractOf())).toEqual({ list: null, cost: null, billable: null });
    const rating = rated(usage, contractOf({ prices: bookOf('input_audio: 9') }));
    expect(rating).toMatchObject({ cost: 27n * USD, unpricedReason: '', agreed: { list: null, listUnpricedReason: 'price_missing' } });
    const unlisted = rateAgreed({ ...attempt(usage), servedModel: 'x' }, book, { contract: contractOf(), rateCard: null }, AT_MS);
    expect(unlisted).toMatchObject({ unpricedReason: 'model_unknown', agreed: { billableUnpricedReason: 'model_unknown' } });
  });

  test('is not known without usage, for the same reason as the list', () => {
    const without = { ...attempt({}), usage: null, usageReason: 'not_reported' } as const;
    expect(rateAgreed(without, book, { contract: contractOf(), rateCard: null }, AT_MS)).toMatchObject({
      cost: null,
      unpricedReason: 'usage_unknown',
      agreed: { contract: 'contract', list: null, listUnpricedReason: 'usage_unknown', billableUnpricedReason: 'usage_unknown' },
    });
  });
});

describe('what a tenant pays', () => {
  const half = contractOf({ discounts: [discount({})] });
  test.each<readonly [string, Partial<RateCard>, bigint]>([
    ['the cost, passed on', {}, 9n * USD],
    ['a markup on the cost', { factor: factor('1.2') }, 10_800_000_000_000n],
    ['a markup on the list', { basis: 'list', factor: factor('1.2') }, 21_600_000_000_000n],
    ['prices of its own, and the markup on the rest', { factor: factor('2'), prices: bookOf('uncached_input: 1') }, 16n * USD],
  ])('is %s', (_, change, billable) => {
    expect(amounts(MILLION, half, cardOf(change))).toEqual({ list: 18n * USD, cost: 9n * USD, billable });
  });

  test('is rounded once, from the exact product', () => {
    const third = bookOf('uncached_input: 0.000000000001 per 3');
    const usage = { uncached_input: 2, visible_output: 0 };
    // ⅔ of a pico-USD, doubled: 1⅓ and not 2.
    expect(amounts(usage, null, cardOf({ factor: factor('2') }), third)).toEqual({ list: 1n, cost: 1n, billable: 1n });
  });

  test('is reckoned by prices of its own where nobody else has any', () => {
    const rating = rateAgreed(
      { ...attempt(MILLION), servedModel: 'm', provider: 'p' },
      bookOf('input_audio: 1'),
      { contract: null, rateCard: cardOf({ prices: book }) },
      AT_MS,
    );
    expect(rating).toMatchObject({
      cost: null,
      unpricedReason: 'price_missing',
      agreed: { billable: 18n * USD, billableUnpricedReason: '' },
    });
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
    expect(rate(attempt(usage), book, AT_MS).saved).toBe(saved);
    expect(rated(usage, contractOf()).saved).toBe(saved);
  });

  test('is reckoned at what it cost us', () => {
    expect(rated({ ...MILLION, cache_read: 1_000_000 }, contractOf({ discounts: [discount({})] })).saved).toBe(1_350_000_000_000n);
  });

  test('is not known where input has no price', () => {
    expect(rate(attempt({ cache_read: 1, visible_output: 0 }), bookOf('cache_read: 1, output: 2'), AT_MS)).toMatchObject({
      cost: 1_000_000n,
      saved: null,
    });
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
      const rating = rated(usage, contractOf({ discounts: [discount({ factor: off })] }), cardOf({ factor: markup }));
      const { cost, agreed } = rating;
      expect([cost === null, agreed?.billable === null]).toEqual([agreed?.list === null, agreed?.list === null]);
      const sum = (part: string): bigint => linesOf(rating, part).reduce((total, line) => total + line.amount, 0n);
      if (cost !== null) expect([agreed?.list, cost, agreed?.billable]).toEqual([sum('list'), sum('cost'), sum('billable')]);
    }),
  );
});

test.each(['', '-1', '1e3', '0.0000001', '85%'])('%j is no factor', (text) => {
  expect(parseFactor(text)).toMatchObject({ code: 'FACTOR_INVALID' });
});
