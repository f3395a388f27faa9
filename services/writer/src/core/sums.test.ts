import { type Attempt, type AttemptRating, plainRating } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { SAMPLE, SAMPLE_ATTEMPT, SAMPLE_EVENT, SAMPLE_RATING } from './sample-event.ts';
import { sumAttempts } from './sums.ts';

const failed: Attempt = { ...SAMPLE_ATTEMPT, usage: null, usageSource: 'none', usageReason: 'upstream_error', usageFlags: ['cut'] };
const counted: Attempt = { ...SAMPLE_ATTEMPT, usageSource: 'counted', usageFlags: ['split_unknown', 'cut'] };
const unpriced = plainRating({ cost: null, unpricedReason: 'usage_unknown', lineItems: [] });
const sums = (attempts: readonly Attempt[], ratings: readonly AttemptRating[]) =>
  sumAttempts({ ...SAMPLE, event: { ...SAMPLE_EVENT, attempts }, ratings });

test('one attempt is its own sum', () => {
  expect(sumAttempts(SAMPLE)).toEqual({
    usage: SAMPLE_ATTEMPT.usage,
    usageReason: '',
    usageSource: 'reported',
    usageBasis: '',
    usageFlags: [],
    attemptsUsageUnknown: 0,
    cost: SAMPLE_RATING.cost,
    unpricedReason: '',
    attemptsUnpriced: 0,
    list: SAMPLE_RATING.cost,
    listUnpricedReason: '',
    billable: SAMPLE_RATING.cost,
    billableUnpricedReason: '',
    saved: SAMPLE_RATING.saved,
  });
});

test('a failed attempt before a good one leaves the sum known and is counted', () => {
  const sum = sums([failed, counted], [unpriced, SAMPLE_RATING]);
  expect(sum).toMatchObject({ usageReason: '', usageSource: 'counted', attemptsUsageUnknown: 1, unpricedReason: '', attemptsUnpriced: 1 });
  expect(sum.usage.uncached_input).toBe(1000);
  expect(sum.cost).toBe(SAMPLE_RATING.cost);
  expect(sum.usageFlags).toEqual(['cut', 'split_unknown']);
});

test('an event that rests on an estimate says what that was made from', () => {
  const estimated: Attempt = { ...SAMPLE_ATTEMPT, usageSource: 'estimated', usageBasis: 'progress' };
  const { usageSource, usageBasis } = sums([estimated, SAMPLE_ATTEMPT], [SAMPLE_RATING, SAMPLE_RATING]);
  expect({ usageSource, usageBasis }).toEqual({ usageSource: 'estimated', usageBasis: 'progress' });
});

test('a class is null exactly when it is null in all attempts', () => {
  const other: Attempt = { ...counted, usage: { ...counted.usage!, uncached_input: 5, images: 2 } };
  const { usage, usageSource } = sums([SAMPLE_ATTEMPT, other], [SAMPLE_RATING, SAMPLE_RATING]);
  expect(usage).toMatchObject({ uncached_input: 1005, cache_read: 400, images: 2, characters: null, cache_write_1h: null });
  expect(usageSource).toBe('counted');
});

test('nothing known: null, with the reason of the last attempt', () => {
  const sum = sums([{ ...failed, usageReason: 'not_reported' }, failed], [{ ...unpriced, unpricedReason: 'model_unknown' }, unpriced]);
  expect(sum).toMatchObject({
    usageReason: 'upstream_error',
    usageSource: 'none',
    attemptsUsageUnknown: 2,
    cost: null,
    unpricedReason: 'usage_unknown',
  });
  expect(Object.values(sum.usage).every((quantity) => quantity === null)).toBe(true);
});

test('a request that was never forwarded says so', () => {
  expect(sums([], [])).toMatchObject({ usageReason: 'not_forwarded', unpricedReason: 'not_forwarded', cost: null, attemptsUnpriced: 0 });
});

test('a cost of nothing is known and not null', () => {
  expect(sums([SAMPLE_ATTEMPT], [plainRating({ cost: 0n, unpricedReason: '', lineItems: [] })])).toMatchObject({
    cost: 0n,
    unpricedReason: '',
  });
});

test('what was agreed for one attempt stands beside the list of another', () => {
  const agreed: AttemptRating = {
    ...SAMPLE_RATING,
    agreed: { contract: 'c', list: null, listUnpricedReason: 'price_missing', billable: 7n, billableUnpricedReason: '' },
  };
  expect(sums([SAMPLE_ATTEMPT, SAMPLE_ATTEMPT], [SAMPLE_RATING, agreed])).toMatchObject({
    cost: 3_690_000_000n,
    list: 1_845_000_000n,
    listUnpricedReason: '',
    billable: 1_845_000_007n,
  });
  expect(sums([SAMPLE_ATTEMPT], [agreed])).toMatchObject({ list: null, listUnpricedReason: 'price_missing', billableUnpricedReason: '' });
});

test('an answer of the response cache saved what it would have cost', () => {
  expect(sumAttempts({ ...SAMPLE, event: { ...SAMPLE_EVENT, attempts: [] }, ratings: [], avoidedCost: 9n })).toMatchObject({
    cost: null,
    saved: 9n,
  });
});

test('a correction says what it adds, and whether the amount was known before and is now', () => {
  const corrected = (...ratings: readonly [cost: bigint | null, reason: AttemptRating['unpricedReason']][]) =>
    sumAttempts({
      ...SAMPLE,
      event: {
        ...SAMPLE_EVENT,
        kind: 'rerate',
        attempts: ratings.map((): Attempt => ({ ...SAMPLE_ATTEMPT, usage: null, usageSource: 'none', usageReason: 'unchanged' })),
      },
      ratings: ratings.map(([cost, unpricedReason]) => plainRating({ cost, unpricedReason, lineItems: [] })),
    });
  expect(corrected([5n, ''])).toMatchObject({
    cost: 5n,
    list: 5n,
    billable: 5n,
    unpricedReason: '',
    attemptsUnpriced: 0,
    attemptsUsageUnknown: 0,
  });
  expect(corrected([5n, 'repriced'])).toMatchObject({
    cost: 5n,
    unpricedReason: 'repriced',
    listUnpricedReason: 'repriced',
    attemptsUnpriced: -1,
  });
  expect(corrected([-5n, 'model_unknown'])).toMatchObject({ cost: -5n, unpricedReason: 'model_unknown', attemptsUnpriced: 1 });
  // One of two had a cost all the time: the event as a whole was never without one.
  expect(corrected([0n, ''], [5n, 'repriced'])).toMatchObject({ cost: 5n, unpricedReason: '', attemptsUnpriced: -1 });
  expect(corrected([7n, 'repriced'], [-5n, 'price_missing'])).toMatchObject({ cost: 2n, unpricedReason: '', attemptsUnpriced: 0 });
  expect(corrected([null, 'usage_unknown'], [5n, 'repriced'])).toMatchObject({
    cost: 5n,
    unpricedReason: 'repriced',
    attemptsUnpriced: -1,
  });
});
