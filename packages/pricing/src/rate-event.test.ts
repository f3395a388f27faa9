import { type Attempt, isRejected, ONE, UNKNOWN_USAGE, type Usage, type UsageEvent } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import { type AgreedSchedule, agreedSchedule, type Agreements } from './agreed-schedule.ts';
import type { Contract, FxRate, RateCard } from './agreed-terms.ts';
import { parsePriceBook } from './price-book.ts';
import { rateEvent } from './rate.ts';

const AT_MS = Date.parse('2026-06-01');
const parsed = parsePriceBook(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks:
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m], prices: { standard: { input: 1 per 1, output: 2 per 1 } } }
`);
if (isRejected(parsed)) throw new Error(parsed.message);
const book = parsed;
const usage: Usage = { ...UNKNOWN_USAGE, uncached_input: 1, visible_output: 1 };
const served = { provider: 'p', channelId: 'main', requestedModel: 'm', servedModel: 'm', serviceTier: '', region: '' };
const attempt = { ...served, usage, usageReason: '', usageFlags: [] as readonly string[] } as unknown as Attempt;
const event = (change: Partial<UsageEvent> = {}): UsageEvent =>
  ({
    ...served,
    occurredAtMs: AT_MS,
    attribution: { tenantId: 'acme' },
    attempts: [attempt],
    avoidedUsage: null,
    ...change,
  }) as unknown as UsageEvent;

const from = { effectiveFromMs: AT_MS, effectiveToMs: null, activatesAtMs: AT_MS };
const contract: Contract = {
  ...from,
  id: 'half',
  provider: 'p',
  channels: null,
  prices: null,
  discounts: [{ models: [], classes: [], factor: ONE / 2n }],
  volumeTerms: [],
};
const card: RateCard = { ...from, id: 'euros', tenant: 'acme', prices: null, basis: 'list', factor: ONE, currency: 'EUR', volumeTerms: [] };
const fx: FxRate = { ...from, id: 'eur-june', currency: 'EUR', perUsd: 333_333_333_333n, source: 'a bank' };
const schedule = (change: Partial<Agreements>): AgreedSchedule => agreedSchedule({ contracts: [], rateCards: [], fxRates: [], ...change });

test('without anything agreed nothing stands beside the list', () => {
  expect(rateEvent(event(), book)).toMatchObject({
    ratings: [{ cost: 3n * ONE, saved: 0n, agreed: null }],
    avoidedCost: null,
    billing: null,
  });
});

test('an attempt is rated by the contract that held when the request was accepted', () => {
  const agreed = schedule({ contracts: [contract] });
  expect(rateEvent(event(), book, agreed)).toMatchObject({
    ratings: [{ cost: (3n * ONE) / 2n, agreed: { contract: 'half', list: 3n * ONE, billable: (3n * ONE) / 2n } }],
    billing: null,
  });
  const before = rateEvent(event({ occurredAtMs: AT_MS - 1 }), book, agreed);
  expect(before.ratings).toMatchObject([{ cost: 3n * ONE, agreed: null }]);
});

describe('a tenant with a rate card', () => {
  test('is charged in its currency, of all attempts together, at the rate of that time, rounded once', () => {
    const agreed = schedule({ contracts: [contract], rateCards: [card], fxRates: [fx] });
    expect(rateEvent(event({ attempts: [attempt, attempt] }), book, agreed).billing).toEqual({
      rateCard: 'euros',
      currency: 'EUR',
      // Six USD at a third of a euro, not twice three rounded.
      amount: 1_999_999_999_998n,
      fxRate: 333_333_333_333n,
      fxRateId: 'eur-june',
      fxSource: 'a bank',
    });
    const tiny = { ...attempt, usage: { ...usage, uncached_input: 0, visible_output: 0 } };
    expect(rateEvent(event({ attempts: [tiny] }), book, agreed).billing?.amount).toBe(0n);
  });

  test('has no amount in it when no rate was in force, and one in USD all the same', () => {
    const { ratings, billing } = rateEvent(event(), book, schedule({ rateCards: [card] }));
    expect(ratings[0]?.agreed?.billable).toBe(3n * ONE);
    expect(billing).toEqual({ rateCard: 'euros', currency: 'EUR', amount: null, fxRate: null, fxRateId: '', fxSource: '' });
  });

  test('in USD needs no rate', () => {
    const agreed = schedule({ rateCards: [{ ...card, currency: 'USD' }] });
    expect(rateEvent(event(), book, agreed).billing).toMatchObject({ currency: 'USD', amount: 3n * ONE, fxRate: null });
  });

  test('of another tenant changes nothing', () => {
    const agreed = schedule({ rateCards: [{ ...card, tenant: 'globex' }] });
    expect(rateEvent(event(), book, agreed)).toMatchObject({ ratings: [{ agreed: null }], billing: null });
  });
});

test('an answer of the response cache has cost nothing, and saved what it would have cost us', () => {
  const hit = event({ attempts: [], avoidedUsage: usage });
  expect(rateEvent(hit, book)).toMatchObject({ ratings: [], avoidedCost: 3n * ONE });
  expect(rateEvent(hit, book, schedule({ contracts: [contract] }))).toMatchObject({ avoidedCost: (3n * ONE) / 2n });
});

test('a model that the book does not know has its nearest names beside it', () => {
  const unknown = event({
    attempts: [
      { ...attempt, servedModel: 'model' },
      { ...attempt, servedModel: 'm' },
    ],
  });
  const large = parsePriceBook(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
blocks:
  - { provider: p, source: page, effective_from: 2026-01-01, models: [m, model-2, other], prices: { standard: { input: 1, output: 2 } } }
`);
  if (isRejected(large)) throw new Error(large.message);
  expect(rateEvent(unknown, large).ratings.map(({ candidates }) => candidates)).toEqual([['p/model-2'], []]);
});
