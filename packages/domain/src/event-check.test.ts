import { describe, expect, test } from 'vitest';
import { checkUsageEvent } from './event-check.ts';
import type { Attempt, UsageEvent } from './event.ts';
import { UNKNOWN_USAGE } from './usage.ts';

const ID = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f';
const AT_MS = Date.parse('2026-11-21T12:00:00Z');

const attempt: Attempt = {
  attemptId: 'a-1',
  channelId: 'openai-main',
  provider: 'openai',
  requestedModel: 'gpt-5-mini',
  servedModel: 'gpt-5-mini-2025-08-07',
  serviceTier: 'default',
  region: '',
  startedAtMs: AT_MS,
  completedAtMs: AT_MS + 900,
  timeToFirstByteMs: 300,
  httpStatus: 200,
  errorClass: '',
  upstreamRequestId: 'req_1',
  usage: { ...UNKNOWN_USAGE, uncached_input: 10, visible_output: 5 },
  usageSource: 'reported',
  usageBasis: '',
  usageReason: '',
  usageFlags: [],
  rawUsage: '{}',
};

const event: UsageEvent = {
  eventId: ID,
  requestId: 'r-1',
  source: 'journal-1',
  sequence: 1,
  kind: 'usage',
  adjustsEventId: '',
  occurredAtMs: AT_MS,
  completedAtMs: AT_MS + 1_000,
  recordedAtMs: AT_MS + 1_001,
  timeToFirstByteMs: 310,
  timeToFirstTokenMs: 320,
  durationMs: 1_000,
  overheadUs: 80,
  attribution: {
    tenantId: 'acme',
    projectId: 'support',
    ownerId: 'ada',
    team: '',
    userId: '',
    virtualKeyId: 'vk-1',
    application: '',
    applicationVersion: '',
    feature: '',
    workflowId: '',
    taskId: '',
    taskType: '',
    conversationId: '',
    environment: '',
    promptVersion: '',
    mcpServer: '',
    labels: {},
    settlementKind: '',
    settlementId: '',
  },
  surface: 'openai.chat',
  requestedModel: 'gpt-5-mini',
  servedModel: 'gpt-5-mini-2025-08-07',
  provider: 'openai',
  channelId: 'openai-main',
  routeType: 'direct',
  routeReason: '',
  serviceTier: 'default',
  region: '',
  streamed: false,
  outcome: 'ok',
  httpStatus: 200,
  errorClass: '',
  finishReason: 'stop',
  upstreamRequestId: 'req_1',
  traceId: '',
  attempts: [attempt],
  counted: { inputTokens: 10, outputTokens: null, tokenizer: '', method: '', reason: 'no_tokenizer' },
  promptFingerprint: '',
  lastToolFingerprint: '',
  requestBytes: 100,
  responseBytes: 200,
  avoidedUsage: null,
};

const withAttempt = (change: Partial<Attempt>): UsageEvent => ({ ...event, attempts: [attempt, { ...attempt, ...change }] });
const withAttribution = (change: Partial<UsageEvent['attribution']>): UsageEvent => ({
  ...event,
  attribution: { ...event.attribution, ...change },
});
/** A word that an event from elsewhere may hold, whatever its type says. */
const foreign = (word: string): never => word as never;

describe('an event is accepted', () => {
  test.each<readonly [string, UsageEvent]>([
    ['as the ingress records it', event],
    [
      'refused, with nothing forwarded',
      { ...event, attempts: [], outcome: 'refused_budget', provider: '', servedModel: '', httpStatus: 429, counted: null },
    ],
    [
      'without an answer',
      { ...event, httpStatus: null, completedAtMs: null, durationMs: null, responseBytes: null, outcome: 'unresolved' },
    ],
    [
      'with an attempt whose usage nobody reported',
      withAttempt({ usage: null, usageSource: 'none', usageReason: 'not_reported', httpStatus: null }),
    ],
    ['that completed before it began, by a clock that was set back', { ...event, completedAtMs: AT_MS - 5_000 }],
    [
      'as a correction with negative quantities',
      { ...event, kind: 'rerate', adjustsEventId: ID, attempts: [{ ...attempt, usage: { ...UNKNOWN_USAGE, cache_read: -5 } }] },
    ],
    ['as an import of its own', { ...event, kind: 'import' }],
  ])('%s', (_, accepted) => {
    expect(checkUsageEvent(accepted)).toBeNull();
  });
});

describe('an event is rejected for', () => {
  test.each<readonly [string, UsageEvent]>([
    ['event_id', { ...event, eventId: 'evt_1' }],
    ['source', { ...event, source: '' }],
    ['sequence', { ...event, sequence: 0 }],
    ['sequence', { ...event, sequence: 1.5 }],
    ['kind', { ...event, kind: foreign('refund') }],
    ['kind', { ...event, kind: foreign('constructor') }],
    ['adjusts_event_id', { ...event, adjustsEventId: ID }],
    ['adjusts_event_id', { ...event, kind: 'reconciliation' }],
    ['adjusts_event_id', { ...event, kind: 'import', adjustsEventId: 'x' }],
    ['tenant_id', withAttribution({ tenantId: '' })],
    ['occurred_at_ms', { ...event, occurredAtMs: AT_MS / 1_000 }],
    ['occurred_at_ms', { ...event, occurredAtMs: 2 ** 32 * 1_000 }],
    ['completed_at_ms', { ...event, completedAtMs: 0 }],
    ['recorded_at_ms', { ...event, recordedAtMs: Number.NaN }],
    ['time_to_first_byte_ms', { ...event, timeToFirstByteMs: -1 }],
    ['time_to_first_token_ms', { ...event, timeToFirstTokenMs: -1 }],
    ['duration_ms', { ...event, durationMs: 0.5 }],
    ['overhead_us', { ...event, overheadUs: -1 }],
    ['settlement_kind', withAttribution({ settlementKind: foreign('gold') })],
    ['route_type', { ...event, routeType: foreign('scenic') }],
    ['outcome', { ...event, outcome: foreign('fine') }],
    ['http_status', { ...event, httpStatus: 1_000 }],
    ['request_bytes', { ...event, requestBytes: -1 }],
    ['response_bytes', { ...event, responseBytes: -1 }],
    ['avoided_usage.reasoning', { ...event, avoidedUsage: { ...UNKNOWN_USAGE, reasoning: -1 } }],
    ['counted.input_tokens', { ...event, counted: { ...(event.counted as NonNullable<UsageEvent['counted']>), inputTokens: -1 } }],
    ['counted.output_tokens', { ...event, counted: { ...(event.counted as NonNullable<UsageEvent['counted']>), outputTokens: -1 } }],
    ['counted.method', { ...event, counted: { ...(event.counted as NonNullable<UsageEvent['counted']>), method: foreign('guess') } }],
    ['attempts[1].started_at_ms', withAttempt({ startedAtMs: 0 })],
    ['attempts[1].completed_at_ms', withAttempt({ completedAtMs: 1 })],
    ['attempts[1].time_to_first_byte_ms', withAttempt({ timeToFirstByteMs: -1 })],
    ['attempts[1].http_status', withAttempt({ httpStatus: -200 })],
    ['attempts[1].usage_source', withAttempt({ usageSource: foreign('rumour') })],
    ['attempts[1].usage_basis', withAttempt({ usageSource: 'estimated', usageBasis: foreign('tea_leaves') })],
    ['attempts[1].usage_basis', withAttempt({ usageSource: 'reported', usageBasis: 'request_bytes' })],
    ['attempts[1].usage_reason', withAttempt({ usageReason: foreign('lazy') })],
    ['attempts[1].usage_reason', withAttempt({ usageReason: 'not_reported' })],
    ['attempts[1].usage_reason', withAttempt({ usage: null })],
    ['attempts[1].usage.cache_read', withAttempt({ usage: { ...UNKNOWN_USAGE, cache_read: -1 } })],
    ['attempts[1].usage.audio_seconds', withAttempt({ usage: { ...UNKNOWN_USAGE, audio_seconds: 0.5 } })],
  ])('%s', (field, wrong) => {
    expect(checkUsageEvent(wrong)).toEqual({
      kind: 'rejected',
      code: 'EVENT_INVALID',
      message: `${field} has a value that no event may have`,
    });
  });
});
