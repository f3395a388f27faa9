import type { AgreedAmounts, Billing, PricedEvent, UsageEvent } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { whyRefused } from './acceptable.ts';
import { SAMPLE, SAMPLE_ATTEMPT, SAMPLE_EVENT, SAMPLE_RATING } from './sample-event.ts';

const withEvent = (fields: Partial<UsageEvent>): PricedEvent => ({ ...SAMPLE, event: { ...SAMPLE_EVENT, ...fields } });
const withAttempt = (fields: Partial<typeof SAMPLE_ATTEMPT>): PricedEvent => withEvent({ attempts: [{ ...SAMPLE_ATTEMPT, ...fields }] });
const withUsage = (uncached_input: number): PricedEvent => withAttempt({ usage: { ...SAMPLE_ATTEMPT.usage!, uncached_input } });
const withLine = (fields: Partial<(typeof SAMPLE_RATING.lineItems)[0]>): PricedEvent => ({
  ...SAMPLE,
  ratings: [{ ...SAMPLE_RATING, lineItems: [{ ...SAMPLE_RATING.lineItems[0]!, ...fields }] }],
});

const AGREED: AgreedAmounts = { contract: 'c', list: 1n, listUnpricedReason: '', billable: 1n, billableUnpricedReason: '' };
const withAgreed = (fields: Partial<AgreedAmounts>): PricedEvent => ({
  ...SAMPLE,
  ratings: [{ ...SAMPLE_RATING, agreed: { ...AGREED, ...fields } }],
});
const BILLING: Billing = { rateCard: '', currency: 'EUR', amount: 1n, fxRate: 1n, fxRateId: '', fxSource: '' };

test.each([
  ['as it should be', SAMPLE],
  ['with something agreed', { ...withAgreed({ list: null }), billing: BILLING }],
  ['without attempts', { ...withEvent({ attempts: [] }), ratings: [] }],
  ['with nothing known', withAttempt({ usage: null, httpStatus: null, completedAtMs: null })],
  ['that takes something back', withUsage(-5)],
  ['that costs all there is', { ...SAMPLE, ratings: [{ ...SAMPLE_RATING, cost: 10n ** 38n - 1n }] }],
] satisfies readonly [string, PricedEvent][])('an event %s is taken', (_case, priced) => {
  expect(whyRefused(priced)).toBeNull();
});

test.each([
  ['source', withEvent({ source: '' })],
  ['sequence', withEvent({ sequence: 0 })],
  ['sequence', withEvent({ sequence: 1.5 })],
  ['event_id', withEvent({ eventId: 'no-uuid' })],
  ['adjusts_event_id', withEvent({ adjustsEventId: 'x' })],
  ['occurred_at', withEvent({ occurredAtMs: 0 })],
  ['occurred_at', withEvent({ occurredAtMs: 4_294_967_296_000 })],
  ['completed_at', withEvent({ completedAtMs: Number.NaN })],
  ['recorded_at', withEvent({ recordedAtMs: -1 })],
  ['duration_ms', withEvent({ durationMs: 0.5 })],
  ['overhead_us', withEvent({ overheadUs: Number.POSITIVE_INFINITY })],
  ['http_status', withEvent({ httpStatus: 70_000 })],
  ['request_bytes', withEvent({ requestBytes: 2 ** 53 })],
  ['counted_input_tokens', withEvent({ counted: { ...SAMPLE_EVENT.counted!, inputTokens: 0.1 } })],
  ['ratings', { ...SAMPLE, ratings: [] }],
  ['attempts.started_at', withAttempt({ startedAtMs: 5 })],
  ['attempts.http_status', withAttempt({ httpStatus: -1 })],
  ['attempts.uncached_input', withUsage(1e300)],
  [
    'attempts.uncached_input',
    { ...withEvent({ attempts: [1, 2].flatMap(() => withUsage(2 ** 53 - 1).event.attempts) }), ratings: [SAMPLE_RATING, SAMPLE_RATING] },
  ],
  ['cost_usd', { ...SAMPLE, ratings: [{ ...SAMPLE_RATING, cost: 10n ** 38n }] }],
  ['line_items', withLine({ amount: -(10n ** 38n) })],
  ['line_items', withLine({ quantity: 0.5 })],
  ['line_items', withLine({ perUnits: -1 })],
  ['line_items', withLine({ factor: 10n ** 38n })],
  ['list_cost_usd', withAgreed({ list: 10n ** 38n })],
  ['billable_usd', withAgreed({ billable: -(10n ** 38n) })],
  ['saved_usd', { ...SAMPLE, ratings: [{ ...SAMPLE_RATING, saved: 10n ** 38n }] }],
  ['saved_usd', { ...SAMPLE, avoidedCost: 10n ** 38n - 1n }],
  ['avoided.quantity', withEvent({ avoidedUsage: { ...SAMPLE_ATTEMPT.usage!, reasoning: 0.5 } })],
  ['billable_amount', { ...SAMPLE, billing: { ...BILLING, amount: 10n ** 38n } }],
  ['fx_rate', { ...SAMPLE, billing: { ...BILLING, fxRate: 10n ** 38n } }],
] satisfies readonly [string, PricedEvent][])('an event whose %s does not fit is refused by name', (field, priced) => {
  expect(whyRefused(priced)).toEqual({ kind: 'rejected', code: 'ROW_INVALID', message: `${field} does not fit its column` });
});
