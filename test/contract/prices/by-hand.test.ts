/** Costs worked out by hand from providers' own pages are what the book that ships charges, to the last digit. */
import { readFileSync } from 'node:fs';
import { type Attempt, type ChargedClass, isRejected, UNKNOWN_USAGE, type Usage, USAGE_CLASSES } from '@tokenledger/domain';
import { parsePriceBook, rate, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { expect, test } from 'vitest';
import { type HandCase, parseHandCases } from '../../prices/hand-case.ts';

const CASES_MIN = 200;
const PROVIDERS_MIN = 9;

const parsed = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(parsed)) throw new Error(parsed.message);
const book = parsed;
const cases = parseHandCases(readFileSync(new URL('../../prices/by-hand.yaml', import.meta.url), 'utf8'));

test('there are enough of them, of many providers, and no two are the same', () => {
  expect(cases.length).toBeGreaterThanOrEqual(CASES_MIN);
  expect(new Set(cases.map(({ provider }) => provider)).size).toBeGreaterThanOrEqual(PROVIDERS_MIN);
  expect(new Set(cases.map(nameOf)).size).toBe(cases.length);
});

test('the sums are sums: quantity times price, without rounding', () => {
  const wrong = cases.filter(({ uses, usd }) => {
    let total = 0n;
    for (const { quantity, price, perUnits } of Object.values(uses)) {
      const amount = BigInt(quantity) * price;
      if (amount % BigInt(perUnits) !== 0n) return true;
      total += amount / BigInt(perUnits);
    }
    return total !== usd;
  });
  expect(wrong.map(nameOf)).toEqual([]);
});

test('the book charges the same', () => {
  const differing = cases.flatMap((each) => {
    const { cost, unpricedReason } = rate(attemptOf(each), book, each.atMs);
    return cost === each.usd ? [] : [`${nameOf(each)}: ${cost ?? unpricedReason}, not ${each.usd}`];
  });
  expect(differing).toEqual([]);
});

test('and each line has the price of the page', () => {
  const differing = cases.flatMap((each) =>
    rate(attemptOf(each), book, each.atMs)
      .lineItems.filter(({ usageClass, unitPrice, perUnits }) => {
        const stated = each.uses[usageClass];
        return stated === undefined || unitPrice * BigInt(stated.perUnits) !== stated.price * BigInt(perUnits);
      })
      .map(({ usageClass }) => `${nameOf(each)}: ${usageClass}`),
  );
  expect(differing).toEqual([]);
});

function nameOf({ provider, model, tier, atMs, uses }: HandCase): string {
  const stated = Object.entries(uses).map(([name, { quantity }]) => `${quantity} ${name}`);
  return `${provider}/${model} ${tier} ${new Date(atMs).toISOString()} ${stated.join(', ')}`;
}

function attemptOf({ provider, model, tier, atMs, uses }: HandCase): Attempt {
  const usage: Usage = { ...UNKNOWN_USAGE, uncached_input: 0, visible_output: 0 };
  const quantities: Partial<Record<ChargedClass, number>> = Object.fromEntries(
    Object.entries(uses).map(([name, { quantity }]) => [name, quantity]),
  );
  for (const name of USAGE_CLASSES) if (quantities[name] !== undefined) Object.assign(usage, { [name]: quantities[name] });
  return {
    attemptId: '',
    channelId: '',
    provider,
    requestedModel: model,
    servedModel: model,
    serviceTier: tier,
    region: '',
    startedAtMs: atMs,
    completedAtMs: null,
    timeToFirstByteMs: null,
    httpStatus: 200,
    errorClass: '',
    upstreamRequestId: '',
    usage,
    usageSource: 'reported',
    usageBasis: '',
    usageReason: '',
    usageFlags: [],
    rawUsage: '',
  };
}
