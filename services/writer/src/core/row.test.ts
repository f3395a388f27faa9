import type { PricedEvent } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { EVENT_COLUMNS, eventRow } from './row.ts';
import { SAMPLE, SAMPLE_ATTEMPT, SAMPLE_EVENT, SAMPLE_RATING } from './sample-event.ts';

const OWNER = { topic: 'tokenledger.usage.priced', partition: 3, epoch: 12 };

function named(priced: PricedEvent): Record<string, unknown> {
  const row = eventRow(priced, OWNER);
  expect(row.length).toBe(EVENT_COLUMNS.length);
  return Object.fromEntries(EVENT_COLUMNS.map((name, index) => [name, row[index]]));
}

test('no column stands twice', () => {
  expect(new Set(EVENT_COLUMNS).size).toBe(EVENT_COLUMNS.length);
});

test('the identity is the event’s, the epoch its writer’s', () => {
  expect(named(SAMPLE)).toMatchObject({
    event_id: SAMPLE_EVENT.eventId,
    source: 'ingress-1',
    sequence: 1,
    log_topic: 'tokenledger.usage.priced',
    log_partition: 3,
    epoch: 12,
    adjusts_event_id: null,
  });
});

test('money and times are text, quantities are numbers, what is unknown is null', () => {
  expect(named(SAMPLE)).toMatchObject({
    occurred_at: '1762000000.123',
    recorded_at: '1762000001.124',
    cost_usd: '1845000000e-12',
    uncached_input_tokens: 1000,
    cache_write_5m_tokens: null,
    images: null,
    'line_items.amount_usd': ['1250000000e-12', '25000000e-12', '500000000e-12', '70000000e-12'],
    'line_items.attempt': [1, 1, 1, 1],
    'attempts.uncached_input_tokens': [1000],
    'attempts.images': [null],
    'attempts.cost_usd': ['1845000000e-12'],
    'attempts.started_at': ['1762000000.124'],
  });
});

test.each([
  [1_762_000_000_000, '1762000000.000'],
  [1_762_000_000_007, '1762000000.007'],
  [1_762_000_000_070, '1762000000.070'],
  [1_762_000_000_999, '1762000000.999'],
])('%d ms are %s', (occurredAtMs, text) => {
  expect(named({ ...SAMPLE, event: { ...SAMPLE_EVENT, occurredAtMs } })).toMatchObject({ occurred_at: text });
});

test('each attempt is an element of every nested column, its lines name it', () => {
  const failed = { ...SAMPLE_ATTEMPT, attemptId: 'attempt-0', usage: null, usageReason: 'upstream_error' as const, completedAtMs: null };
  const row = named({
    ...SAMPLE,
    event: { ...SAMPLE_EVENT, attempts: [failed, SAMPLE_ATTEMPT] },
    ratings: [{ cost: null, unpricedReason: 'usage_unknown', lineItems: [] }, SAMPLE_RATING],
  });
  expect(row).toMatchObject({
    'attempts.attempt_id': ['attempt-0', 'attempt-1'],
    'attempts.uncached_input_tokens': [null, 1000],
    'attempts.completed_at': [null, '1762000001.023'],
    'attempts.cost_usd': [null, '1845000000e-12'],
    'attempts.unpriced_reason': ['usage_unknown', ''],
    'line_items.attempt': [2, 2, 2, 2],
    attempts_usage_unknown: 1,
    attempts_unpriced: 1,
  });
});

test('without attempts every nested column is empty and usage says why it is null', () => {
  const row = named({ ...SAMPLE, event: { ...SAMPLE_EVENT, attempts: [] }, ratings: [] });
  expect(row).toMatchObject({
    usage_reason: 'not_forwarded',
    unpriced_reason: 'not_forwarded',
    cost_usd: null,
    'attempts.provider': [],
    'line_items.attempt': [],
  });
});

test('without a local count the reason says so', () => {
  expect(named({ ...SAMPLE, event: { ...SAMPLE_EVENT, counted: null } })).toMatchObject({
    counted_input_tokens: null,
    counted_method: '',
    counted_reason: 'not_counted',
  });
});
