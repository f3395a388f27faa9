import {
  type Attempt,
  divideHalfEven,
  isRejected,
  ONE,
  UNKNOWN_USAGE,
  type Usage,
  USAGE_CLASSES,
  type UsageClass,
  type UsageEvent,
} from '@tokenledger/domain';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePriceBook, type PriceBook } from './price-book.ts';
import { rate, rateEvent } from './rate.ts';

const AT_MS = Date.parse('2026-06-01');

function bookOf(text: string): PriceBook {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

const book = bookOf(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks:
  - provider: p
    source: page
    effective_from: 2026-01-01
    models: [m, m-2026]
    prices:
      standard: { input: 3, cache_read: 0.30, output: 15, web_search_requests: 10 per 1000 }
      batch: { input: 1.5, output: 7.5 }
  - { provider: p, source: page, effective_from: 2026-01-01, models: [odd], per_units: 3, prices: { standard: { input: 0.000000000001, output: 0.000000000002 } } }
`);

const attempt: Attempt = {
  attemptId: 'a',
  channelId: 'c',
  provider: 'p',
  requestedModel: 'm',
  servedModel: 'm-2026',
  serviceTier: '',
  region: '',
  startedAtMs: AT_MS,
  completedAtMs: AT_MS,
  timeToFirstByteMs: 1,
  httpStatus: 200,
  errorClass: '',
  upstreamRequestId: '',
  usage: null,
  usageSource: 'reported',
  usageBasis: '',
  usageReason: '',
  usageFlags: [],
  rawUsage: '',
};
const used = (usage: Partial<Usage>, change: Partial<Attempt> = {}): Attempt => ({
  ...attempt,
  usage: { ...UNKNOWN_USAGE, ...usage },
  ...change,
});
const ordinary = {
  uncached_input: 1_000,
  cache_read: 2_000,
  cache_write_5m: 0,
  visible_output: 100,
  reasoning: 50,
  web_search_requests: 2,
};

describe('a known cost', () => {
  test('is the sum of its lines, one per class with a quantity', () => {
    const rating = rate(used(ordinary), book, AT_MS);
    expect(rating).toMatchObject({ cost: 25_850_000_000n, unpricedReason: '' });
    expect(rating.lineItems.map(({ usageClass, quantity, amount }) => [usageClass, quantity, amount])).toEqual([
      ['uncached_input', 1_000, 3_000_000_000n],
      ['cache_read', 2_000, 600_000_000n],
      ['visible_output', 100, 1_500_000_000n],
      ['reasoning', 50, 750_000_000n],
      ['web_search_requests', 2, 20_000_000_000n],
    ]);
  });

  test('names on each line the price as it stands in the book, and its entry', () => {
    const [line] = rate(used({ cache_read: 2_000, visible_output: 0 }), book, AT_MS).lineItems;
    expect(line).toEqual({
      usageClass: 'cache_read',
      quantity: 2_000,
      unitPrice: 300_000_000_000n,
      perUnits: 1_000_000,
      amount: 600_000_000n,
      entryId: 'p/m/cache_read/2026-01-01',
      priceVersion: '',
      factor: ONE,
      partOf: 'list,cost,billable',
    });
  });

  test('is 0 for usage of 0', () => {
    expect(rate(used({ uncached_input: 0, visible_output: 0 }), book, AT_MS)).toMatchObject({
      cost: 0n,
      unpricedReason: '',
      lineItems: [],
    });
  });

  test('needs no price for a quantity of 0, whatever the class', () => {
    const zeros = Object.fromEntries(USAGE_CLASSES.map((name) => [name, 0])) as Usage;
    expect(rate(used({ ...zeros, uncached_input: 1 }), book, AT_MS).unpricedReason).toBe('');
  });

  test.each(['', 'default', 'standard', 'auto', 'ON_DEMAND', 'on_demand'])('is that of the standard tier for %j', (serviceTier) => {
    expect(rate(used(ordinary, { serviceTier }), book, AT_MS).cost).toBe(25_850_000_000n);
  });

  test('is that of the tier that served', () => {
    expect(rate(used({ uncached_input: 1_000_000, visible_output: 0 }, { serviceTier: 'batch' }), book, AT_MS).cost).toBe(
      1_500_000_000_000n,
    );
  });

  test('is that of the model that answered, and of the requested one where the answer named none', () => {
    expect(rate(used(ordinary, { requestedModel: 'alias' }), book, AT_MS).unpricedReason).toBe('');
    expect(rate(used(ordinary, { servedModel: '' }), book, AT_MS).unpricedReason).toBe('');
    expect(rate(used(ordinary, { servedModel: 'other' }), book, AT_MS).unpricedReason).toBe('model_unknown');
  });

  test('is negative for the negative quantities of a correction', () => {
    expect(rate(used({ uncached_input: -1_000, visible_output: 0 }), book, AT_MS).cost).toBe(-3_000_000_000n);
  });

  test.each([
    [1, 0n],
    [2, 1n],
    [4, 1n],
    [5, 2n],
  ])('rounds each line once: %d units at a third of a pico-USD', (quantity, amount) => {
    expect(rate(used({ uncached_input: quantity, visible_output: 0 }, { servedModel: 'odd' }), book, AT_MS).cost).toBe(amount);
  });

  test('rounds lines and not the sum', () => {
    // ⅓ and ⅔ of a pico-USD: 0 and 1, where the exact sum of three of the first would be 1.
    const rating = rate(used({ uncached_input: 1, input_image: 1, visible_output: 1 }, { servedModel: 'odd' }), book, AT_MS);
    expect(rating.lineItems.map(({ amount }) => amount)).toEqual([0n, 0n, 1n]);
    expect(rating.cost).toBe(1n);
  });
});

describe('prices of another shape', () => {
  const shapes = bookOf(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks:
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m-2026], prices: { standard: { input: ['3 up to 1000', '2 up to 5000', 1], output: 10, requests: 5 per 1000 } } }
`);
  const lines = (usage: Partial<Usage>) =>
    rate(used(usage), shapes, AT_MS).lineItems.map((line) => [line.usageClass, line.quantity, line.amount]);

  test('a request as such is one more line, however many tokens it took', () => {
    expect(lines({ uncached_input: 0, visible_output: 7 })).toEqual([
      ['visible_output', 7, 70_000_000n],
      ['requests', 1, 5_000_000_000n],
    ]);
  });

  test.each([
    [1_000, [1_000]],
    [1_001, [1_000, 1]],
    [9_000, [1_000, 4_000, 4_000]],
    [-9_000, [-1_000, -4_000, -4_000]],
  ])('marginal prices make a line for each of their parts: %d', (quantity, parts) => {
    const prices = [3_000_000n, 2_000_000n, 1_000_000n];
    expect(lines({ uncached_input: quantity, visible_output: 0 }).slice(0, -1)).toEqual(
      parts.map((units, index) => ['uncached_input', units, BigInt(units) * (prices[index] ?? 0n)]),
    );
  });
});

describe('a cost is null', () => {
  const unknown = (change: Partial<Attempt>): Attempt => ({
    ...attempt,
    usage: null,
    usageReason: 'not_reported',
    usageSource: 'none',
    usageBasis: '',
    ...change,
  });

  test.each<readonly [string, Attempt, string]>([
    ['when usage is unknown', unknown({}), 'usage_unknown'],
    ['when nothing was forwarded', unknown({ usageReason: 'not_forwarded' }), 'not_forwarded'],
    ['when usage is unknown, whatever the model', unknown({ servedModel: 'other' }), 'usage_unknown'],
    ['when the book does not know the model', used(ordinary, { servedModel: 'other' }), 'model_unknown'],
    ['when the book does not know the provider', used(ordinary, { provider: 'q' }), 'model_unknown'],
    ['when a class with a quantity has no price', used({ ...ordinary, cache_write_1h: 1 }), 'price_missing'],
    ['when the tier has no price', used(ordinary, { serviceTier: 'priority' }), 'price_missing'],
    ['when output is unknown', used({ uncached_input: 5 }), 'usage_unknown'],
    ['when input is unknown', used({ visible_output: 5 }), 'usage_unknown'],
    ['when every class is unknown', used({}), 'usage_unknown'],
    ['when tokens of another model were billed beside', used(ordinary, { usageFlags: ['other_model_usage'] }), 'usage_unknown'],
    ['when units that no class holds were billed beside', used(ordinary, { usageFlags: ['unclassified_units'] }), 'usage_unknown'],
  ])('%s', (_, unpriced, reason) => {
    expect(rate(unpriced, book, AT_MS)).toMatchObject({ cost: null, unpricedReason: reason });
  });

  test('before its price was in force', () => {
    expect(rate(used(ordinary), book, Date.parse('2025-12-31'))).toMatchObject({
      cost: null,
      unpricedReason: 'price_missing',
      lineItems: [],
    });
  });

  test('and the lines that are known are kept', () => {
    const rating = rate(used({ ...ordinary, cache_write_1h: 7 }), book, AT_MS);
    expect(rating.cost).toBeNull();
    expect(rating.lineItems).toEqual(rate(used(ordinary), book, AT_MS).lineItems);
  });

  test('but not for a unit that was counted without any token', () => {
    expect(rate(used({ web_search_requests: 1 }), book, AT_MS).cost).toBe(10_000_000_000n);
  });
});

describe('for any usage', () => {
  const quantity = fc.option(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 31 })));
  const usages = fc.record(Object.fromEntries(USAGE_CLASSES.map((name) => [name, quantity])) as Record<UsageClass, typeof quantity>);

  test('the cost is the exact sum of quantity × price, or null with a reason', () => {
    fc.assert(
      fc.property(usages, fc.constantFrom('m', 'odd', 'other'), fc.constantFrom('', 'batch', 'x'), (usage, servedModel, serviceTier) => {
        const rating = rate(used(usage, { servedModel, serviceTier }), book, AT_MS);
        expect(rating.cost === null).toBe(rating.unpricedReason !== '');
        let sum = 0n;
        for (const line of rating.lineItems) {
          expect(line.quantity).toBe(usage[line.usageClass as UsageClass]);
          expect(line.amount).toBe(divideHalfEven(BigInt(line.quantity) * line.unitPrice, BigInt(line.perUnits)));
          expect(line.amount >= 0n).toBe(true);
          sum += line.amount;
        }
        if (rating.cost !== null) {
          expect(rating.cost).toBe(sum);
          const charged = USAGE_CLASSES.filter((name) => (usage[name] ?? 0) > 0);
          expect(rating.lineItems.map((line) => line.usageClass)).toEqual(charged);
        }
      }),
    );
  });
});

describe('for any book and usage', () => {
  const DAY_MS = 86_400_000;
  const START_MS = Date.parse('2026-01-01');
  const dayOf = (day: number): string => new Date(START_MS + day * DAY_MS).toISOString().slice(0, 10);
  const usd = fc.integer({ min: 0, max: 10 ** 9 }).map((millionths) => (millionths / 1_000_000).toFixed(6));
  const tokens = fc.integer({ min: 0, max: 10 ** 7 });
  const shape = fc.record({ input: usd, cheaper: usd, output: usd, above: fc.integer({ min: 1, max: 10 ** 6 }), marginal: fc.boolean() });
  type Shape = { input: string; cheaper: string; output: string; above: number; marginal: boolean };

  /** One model, in force over periods that begin on the given days. */
  function bookWith({ input, cheaper, output, above, marginal }: Shape, days: readonly number[]): PriceBook {
    const prices = { standard: { input: marginal ? [`${input} up to ${above}`, cheaper] : input, output } };
    const blocks = days.map((day, index) => ({
      provider: 'p',
      models: ['m'],
      source: 'page',
      effective_from: dayOf(day),
      ...(index + 1 < days.length ? { effective_to: dayOf(days[index + 1] ?? 0) } : {}),
      prices,
    }));
    return bookOf(JSON.stringify({ sources: { page: { url: 'https://example.com', date: '2026-01-01' } }, blocks }));
  }
  const cost = (priced: PriceBook, usage: Partial<Usage>, atMs: number): bigint =>
    rate(used(usage, { servedModel: 'm' }), priced, atMs).cost ?? -1n;

  test('more of a class never costs less', () => {
    fc.assert(
      fc.property(shape, tokens, tokens, tokens, (of, input, more, output) => {
        const priced = bookWith(of, [0]);
        const usage = { uncached_input: input, visible_output: output };
        const before = cost(priced, usage, START_MS);
        expect(cost(priced, { ...usage, uncached_input: input + more }, START_MS) >= before).toBe(true);
        expect(cost(priced, { ...usage, visible_output: output + more }, START_MS) >= before).toBe(true);
      }),
    );
  });

  test('splitting a period changes no cost', () => {
    const days = fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shape, days, fc.integer({ min: 0, max: 400 }), tokens, tokens, (of, splits, day, input, output) => {
        const usage = { uncached_input: input, visible_output: output };
        const atMs = START_MS + day * DAY_MS;
        const split = bookWith(of, [0, ...splits.toSorted((a, b) => a - b)]);
        expect(cost(split, usage, atMs)).toBe(cost(bookWith(of, [0]), usage, atMs));
      }),
    );
  });
});

test('an event is rated attempt by attempt at its own time, under the version of the book', () => {
  const attempts = [{ ...attempt, usageReason: 'upstream_error' as const }, used(ordinary)];
  const event = { occurredAtMs: AT_MS, attempts, avoidedUsage: null } as unknown as UsageEvent;
  const priced = rateEvent(event, book);
  expect(priced.event).toBe(event);
  expect(priced.priceVersion).toBe(book.version);
  expect(priced.ratings).toEqual(attempts.map((each) => rate(each, book, AT_MS)));
  expect(rateEvent({ ...event, occurredAtMs: 0 }, book).ratings[1]?.cost).toBeNull();
});
