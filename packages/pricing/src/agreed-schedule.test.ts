import { ONE } from '@tokenledger/domain';
import { describe, expect, test } from 'vitest';
import { agreedSchedule, type Agreements } from './agreed-schedule.ts';
import type { Contract, FxRate, Period, RateCard } from './agreed-terms.ts';

const period = (id: string, effectiveFromMs: number, change: Partial<Period> = {}): Period => ({
  id,
  effectiveFromMs,
  effectiveToMs: null,
  activatesAtMs: effectiveFromMs,
  ...change,
});
const contract = (of: Period, channels: readonly string[] | null = null, provider = 'p'): Contract => ({
  ...of,
  provider,
  channels,
  prices: null,
  discounts: [],
  volumeTerms: [],
});
const card = (of: Period, tenant: string): RateCard => ({
  ...of,
  tenant,
  prices: null,
  basis: 'cost',
  factor: ONE,
  currency: 'USD',
  volumeTerms: [],
});
const fx = (of: Period, currency: string): FxRate => ({ ...of, currency, perUsd: ONE, source: 'bank' });
const agreed = (change: Partial<Agreements>): Agreements => ({ contracts: [], rateCards: [], fxRates: [], ...change });
const ACCOUNT = { provider: 'p', channelId: 'main' };

describe('a contract', () => {
  const contracts = [contract(period('spring', 100)), contract(period('summer', 200, { effectiveToMs: 300 }))];
  const schedule = agreedSchedule(agreed({ contracts }));

  test.each([
    [99, undefined],
    [100, 'spring'],
    [199, 'spring'],
    [200, 'summer'],
    [299, 'summer'],
    [300, 'spring'],
  ])('at %d is %s: the latest that has begun and has not ended', (atMs, id) => {
    expect(schedule.contractAt(ACCOUNT, atMs)?.id).toBe(id);
  });

  test('is of a provider, and one that names the channel goes before one that names none', () => {
    const both = agreedSchedule(agreed({ contracts: [contract(period('all', 200)), contract(period('main', 100), ['main'])] }));
    expect(both.contractAt(ACCOUNT, 300)?.id).toBe('main');
    expect(both.contractAt({ ...ACCOUNT, channelId: 'spare' }, 300)?.id).toBe('all');
    expect(both.contractAt({ ...ACCOUNT, provider: 'q' }, 300)).toBeNull();
  });

  test('that was signed after it began rates what streams from its activation on, and everything when rated again', () => {
    const late = agreed({ contracts: [contract(period('old', 0)), contract(period('late', 100, { activatesAtMs: 500 }))] });
    expect(agreedSchedule(late).contractAt(ACCOUNT, 499)?.id).toBe('old');
    expect(agreedSchedule(late).contractAt(ACCOUNT, 500)?.id).toBe('late');
    expect(agreedSchedule(late, 'effective').contractAt(ACCOUNT, 100)?.id).toBe('late');
  });
});

test('of two that begin together the one activated last holds, then the greater id, in whatever order they come', () => {
  const [a, b, corrected] = [period('a', 100), period('b', 100), period('0', 100, { activatesAtMs: 150 })].map((each) => contract(each));
  for (const contracts of [
    [a, b, corrected],
    [corrected, b, a],
  ] as Contract[][]) {
    const schedule = agreedSchedule(agreed({ contracts }));
    expect([120, 150].map((atMs) => schedule.contractAt(ACCOUNT, atMs)?.id)).toEqual(['b', '0']);
  }
});

test("a tenant's own rate card goes before the one for everybody, for as long as it holds", () => {
  const rateCards = [card(period('all', 0), ''), card(period('own', 100, { effectiveToMs: 200 }), 'acme')];
  const schedule = agreedSchedule(agreed({ rateCards }));
  expect([0, 100, 200].map((atMs) => schedule.rateCardAt('acme', atMs)?.id)).toEqual(['all', 'own', 'all']);
  expect(schedule.rateCardAt('globex', 150)?.id).toBe('all');
});

test('a rate of exchange holds until the next of its currency', () => {
  const schedule = agreedSchedule(agreed({ fxRates: [fx(period('may', 100), 'EUR'), fx(period('june', 200), 'EUR')] }));
  expect([99, 100, 200].map((atMs) => schedule.fxRateAt('EUR', atMs)?.id)).toEqual([undefined, 'may', 'june']);
  expect(schedule.fxRateAt('GBP', 200)).toBeNull();
  expect(schedule.isEmpty).toBe(true);
});
