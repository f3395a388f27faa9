import { type AgreedAmounts, type Attempt, plainRating, type PricedEvent, type UsageEvent, UNKNOWN_USAGE } from '@tokenledger/domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchOf, type Ledger, openLedger, openStore, owner, TOPIC } from './ledger.ts';
import { pricedEvent } from './priced-events.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());

const AGREED: AgreedAmounts = { contract: 'contract', list: 5n, listUnpricedReason: '', billable: 6n, billableUnpricedReason: '' };

/** With a value of its own in every field, so that one in a wrong column shows. */
function fullEvent(): PricedEvent {
  const priced = pricedEvent(1);
  const { event, ratings } = priced;
  const usage = {
    uncached_input: 1,
    cache_read: 2,
    cache_write_5m: 3,
    cache_write_1h: 4,
    input_audio: 5,
    cached_audio: 6,
    input_image: 7,
    visible_output: 8,
    reasoning: 9,
    output_audio: 10,
    output_image: 11,
    web_search_requests: 12,
    images: 13,
    audio_seconds: 14,
    characters: 15,
  };
  const attempt: Attempt = {
    ...(event.attempts[0] as Attempt),
    usage,
    errorClass: 'attempt_error',
    usageFlags: ['split_unknown'],
    serviceTier: 'attempt-tier',
    region: 'attempt-region',
  };
  return {
    ...priced,
    ratings: ratings.map((rating) => ({ ...rating, saved: 7n, candidates: ['near'], agreed: AGREED })),
    avoidedCost: 3n,
    billing: { rateCard: 'card', currency: 'EUR', amount: 11n, fxRate: 920_000_000_000n, fxRateId: 'eur-1', fxSource: 'a bank' },
    event: {
      ...event,
      kind: 'rerate',
      adjustsEventId: '019a3f5e-2c7b-7abc-8def-0123456789ab',
      attempts: [attempt],
      errorClass: 'event_error',
      lastToolFingerprint: '60303ae22b998861',
      responseBytes: 4096,
      avoidedUsage: { ...UNKNOWN_USAGE, cache_read: 4, visible_output: 0 },
      streamed: true,
      attribution: { ...event.attribution, feature: 'answers' },
    },
  };
}

test('every field of an event is in the column of its name', async () => {
  const priced = fullEvent();
  const { event } = priced;
  const { attribution } = event;
  const attempt = event.attempts[0] as Attempt;
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(4));
  await store.write(owner(4), batchOf([priced]));
  const [row] = await ledger.clickhouse.query<Record<string, unknown>>(
    'SELECT *, minute, hour, day, input_tokens, output_tokens, total_tokens FROM usage_events',
  );
  const iso = (ms: number | null): string => new Date(ms ?? Number.NaN).toISOString();
  expect(row).toEqual({
    event_id: event.eventId,
    request_id: event.requestId,
    source: event.source,
    sequence: '1',
    log_topic: TOPIC,
    log_partition: 0,
    epoch: '4',
    kind: 'rerate',
    adjusts_event_id: event.adjustsEventId,
    occurred_at: iso(event.occurredAtMs),
    completed_at: iso(event.completedAtMs),
    recorded_at: iso(event.recordedAtMs),
    minute: '2025-11-01T22:13:00Z',
    hour: '2025-11-01T22:00:00Z',
    day: '2025-11-01',
    time_to_first_byte_ms: '130',
    time_to_first_token_ms: '140',
    duration_ms: '900',
    overhead_us: '310',
    tenant_id: attribution.tenantId,
    project_id: attribution.projectId,
    owner_id: attribution.ownerId,
    team: attribution.team,
    user_id: attribution.userId,
    virtual_key_id: attribution.virtualKeyId,
    application: attribution.application,
    application_version: attribution.applicationVersion,
    feature: 'answers',
    workflow_id: attribution.workflowId,
    task_id: attribution.taskId,
    task_type: attribution.taskType,
    conversation_id: attribution.conversationId,
    environment: attribution.environment,
    prompt_version: attribution.promptVersion,
    mcp_server: attribution.mcpServer,
    labels: attribution.labels,
    settlement_kind: attribution.settlementKind,
    settlement_id: attribution.settlementId,
    surface: event.surface,
    requested_model: event.requestedModel,
    served_model: event.servedModel,
    provider: event.provider,
    channel_id: event.channelId,
    route_type: event.routeType,
    route_reason: event.routeReason,
    service_tier: event.serviceTier,
    region: event.region,
    streamed: true,
    outcome: event.outcome,
    http_status: 200,
    error_class: 'event_error',
    finish_reason: event.finishReason,
    upstream_request_id: event.upstreamRequestId,
    trace_id: event.traceId,
    ...classes((value) => value),
    input_tokens: '28',
    output_tokens: '38',
    total_tokens: '66',
    usage_reason: '',
    usage_source: 'reported',
    usage_basis: '',
    usage_flags: ['split_unknown'],
    attempts_usage_unknown: 0,
    counted_input_tokens: '102',
    counted_output_tokens: '20',
    counted_tokenizer: 'o200k_base',
    counted_method: 'exact',
    counted_reason: '',
    cost_usd: '0.000126250101',
    list_cost_usd: '0.000000000005',
    billable_usd: '0.000000000006',
    saved_usd: '0.00000000001',
    currency: 'EUR',
    billable_amount: '0.000000000011',
    fx_rate: '0.92',
    fx_rate_id: 'eur-1',
    fx_source: 'a bank',
    rate_card: 'card',
    price_version: 'book-1',
    unpriced_reason: '',
    list_unpriced_reason: '',
    billable_unpriced_reason: '',
    attempts_unpriced: '0',
    'line_items.attempt': [1],
    'line_items.usage_class': ['uncached_input'],
    'line_items.quantity': ['101'],
    'line_items.unit_price_usd': ['1.250001'],
    'line_items.per_units': ['1000000'],
    'line_items.factor': ['1'],
    'line_items.amount_usd': ['0.000126250101'],
    'line_items.entry_id': ['in'],
    'line_items.price_version': ['book-1'],
    'line_items.part_of': ['list,cost,billable'],
    'attempts.attempt_id': [attempt.attemptId],
    'attempts.channel_id': [attempt.channelId],
    'attempts.provider': [attempt.provider],
    'attempts.requested_model': [attempt.requestedModel],
    'attempts.served_model': [attempt.servedModel],
    'attempts.service_tier': ['attempt-tier'],
    'attempts.region': ['attempt-region'],
    'attempts.started_at': [iso(attempt.startedAtMs)],
    'attempts.completed_at': [iso(attempt.completedAtMs)],
    'attempts.time_to_first_byte_ms': ['120'],
    'attempts.http_status': [200],
    'attempts.error_class': ['attempt_error'],
    'attempts.upstream_request_id': [attempt.upstreamRequestId],
    ...classes((value) => [value], 'attempts.'),
    'attempts.usage_source': ['reported'],
    'attempts.usage_basis': [''],
    'attempts.usage_reason': [''],
    'attempts.usage_flags': [['split_unknown']],
    'attempts.raw_usage': [attempt.rawUsage],
    'attempts.cost_usd': ['0.000126250101'],
    'attempts.list_cost_usd': ['0.000000000005'],
    'attempts.billable_usd': ['0.000000000006'],
    'attempts.saved_usd': ['0.000000000007'],
    'attempts.contract': ['contract'],
    'attempts.list_unpriced_reason': [''],
    'attempts.billable_unpriced_reason': [''],
    'attempts.unpriced_reason': [''],
    'attempts.price_candidates': [['near']],
    'avoided.usage_class': ['cache_read', 'visible_output'],
    'avoided.quantity': ['4', '0'],
    prompt_fingerprint: event.promptFingerprint,
    last_tool_fingerprint: event.lastToolFingerprint,
    request_bytes: '2048',
    response_bytes: '4096',
  });

  function classes(of: (value: string) => unknown, prefix = ''): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(attempt.usage ?? {}).map(([name, quantity], index) => [
        `${prefix}${name}${index < 11 ? '_tokens' : ''}`,
        of(String(quantity)),
      ]),
    );
  }
});

/** The row of an event, written by an owner of its own. */
async function rowOf(priced: PricedEvent, epoch: number): Promise<Record<string, unknown> | undefined> {
  await ledger.empty();
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(epoch));
  await store.write(owner(epoch), batchOf([priced]));
  const [row] = await ledger.clickhouse.query<Record<string, unknown>>('SELECT * FROM usage_events');
  return row;
}

test('each attempt is an element of every nested column, its lines name it, and what is unknown is null', async () => {
  const { event, ratings, ...rest } = fullEvent();
  const [attempt] = event.attempts as [Attempt];
  const failed: Attempt = {
    ...attempt,
    attemptId: 'failed',
    usage: null,
    usageReason: 'upstream_error',
    completedAtMs: null,
    httpStatus: null,
  };
  const unrated = plainRating({ cost: null, unpricedReason: 'usage_unknown', lineItems: [] });
  const usage: UsageEvent = { ...event, kind: 'usage', adjustsEventId: '', attempts: [failed, attempt] };
  const priced = {
    ...rest,
    event: usage,
    ratings: [unrated, ...ratings],
  };
  expect(await rowOf(priced, 5)).toMatchObject({
    'attempts.attempt_id': ['failed', attempt.attemptId],
    'attempts.uncached_input_tokens': [null, '1'],
    'attempts.completed_at': [null, new Date(attempt.completedAtMs as number).toISOString()],
    'attempts.http_status': [null, 200],
    'attempts.cost_usd': [null, '0.000126250101'],
    'attempts.list_cost_usd': [null, '0.000000000005'],
    'attempts.contract': ['', 'contract'],
    list_cost_usd: '0.000000000005',
    billable_usd: '0.000000000006',
    'attempts.unpriced_reason': ['usage_unknown', ''],
    'line_items.attempt': [2],
    uncached_input_tokens: '1',
    attempts_usage_unknown: 1,
    attempts_unpriced: '1',
  });
});

test('without attempts every nested column is empty, and reasons say why usage and cost are null', async () => {
  const { event, priceVersion } = fullEvent();
  const bare = {
    ...event,
    kind: 'usage',
    adjustsEventId: '',
    attempts: [],
    counted: null,
    completedAtMs: null,
    httpStatus: null,
    avoidedUsage: null,
  } as const;
  expect(await rowOf({ priceVersion, event: bare, ratings: [], avoidedCost: null, billing: null }, 6)).toMatchObject({
    adjusts_event_id: null,
    completed_at: null,
    http_status: null,
    usage_reason: 'not_forwarded',
    usage_source: 'none',
    usage_flags: [],
    uncached_input_tokens: null,
    unpriced_reason: 'not_forwarded',
    list_unpriced_reason: 'not_forwarded',
    billable_unpriced_reason: 'not_forwarded',
    cost_usd: null,
    list_cost_usd: null,
    billable_usd: null,
    saved_usd: null,
    currency: 'USD',
    billable_amount: null,
    fx_rate: null,
    rate_card: '',
    'avoided.usage_class': [],
    counted_input_tokens: null,
    counted_method: '',
    counted_reason: 'not_counted',
    'attempts.provider': [],
    'attempts.usage_flags': [],
    'line_items.attempt': [],
  });
});

test('what the table says of events without agreements is what they say beside others that have some', async () => {
  await ledger.empty();
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(7));
  const read = (): Promise<readonly unknown[]> => ledger.clickhouse.query('SELECT * FROM usage_events ORDER BY sequence');
  const events = Array.from({ length: 14 }, (_, index) => pricedEvent(index + 1));
  for (const [index, each] of events.entries()) await store.write(owner(7), batchOf([each], index));
  const apart = await read();
  await ledger.empty();
  const { store: other } = openStore(ledger.clickhouse);
  await other.takeOver(owner(7));
  await other.write(owner(7), batchOf(events));
  expect(await read()).toEqual(apart);
  expect(apart).toHaveLength(events.length);
  expect(apart[0]).toMatchObject({
    cost_usd: '0.000126250101',
    list_cost_usd: '0.000126250101',
    currency: 'USD',
    'line_items.factor': ['1'],
  });
});
