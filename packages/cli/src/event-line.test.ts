import {
  UNKNOWN_USAGE,
  type Attempt,
  type AttemptRating,
  plainRating,
  type PricedEvent,
  type Usage,
  type UsageEvent,
} from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { eventJson, eventLine, rejectedLine } from './event-line.ts';

const usage: Usage = { ...UNKNOWN_USAGE, uncached_input: 12, cache_read: 3, visible_output: 7, reasoning: 0 };
const rated = plainRating({ cost: 1_230_000_000n, unpricedReason: '', lineItems: [] });

/** An event with just the fields that a line shows. */
function priced(attempts: readonly (Usage | null)[], ratings: readonly AttemptRating[], change: Partial<UsageEvent> = {}): PricedEvent {
  const event: UsageEvent = {
    eventId: '01900000-0000-7000-8000-000000000000',
    requestId: 'r',
    source: 's',
    sequence: 1,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    completedAtMs: null,
    recordedAtMs: 0,
    timeToFirstByteMs: null,
    timeToFirstTokenMs: null,
    durationMs: null,
    overheadUs: null,
    attribution: ATTRIBUTION,
    surface: 'openai.chat',
    requestedModel: 'alias',
    servedModel: 'gpt-x',
    provider: 'openai',
    channelId: 'openai',
    routeType: 'direct',
    routeReason: '',
    serviceTier: '',
    region: '',
    streamed: false,
    outcome: 'ok',
    httpStatus: 200,
    errorClass: '',
    finishReason: 'stop',
    upstreamRequestId: '',
    traceId: '',
    attempts: attempts.map((each) => ({ ...ATTEMPT, usage: each })),
    counted: null,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes: null,
    responseBytes: null,
    avoidedUsage: null,
    ...change,
  };
  return { event, priceVersion: 'v', ratings, avoidedCost: null, billing: null };
}

const ATTRIBUTION: UsageEvent['attribution'] = {
  tenantId: 'acme',
  projectId: 'p',
  ownerId: 'o',
  team: '',
  userId: '',
  virtualKeyId: 'key',
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
};

const ATTEMPT: Attempt = {
  attemptId: 'a',
  channelId: 'openai',
  provider: 'openai',
  requestedModel: 'alias',
  servedModel: 'gpt-x',
  serviceTier: '',
  region: '',
  startedAtMs: 0,
  completedAtMs: null,
  timeToFirstByteMs: null,
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

const words = (line: string): readonly string[] => line.trim().split(/ {2,}/);

test('a line shows time, tenant, key, model, tokens in and out, cost and outcome', () => {
  expect(words(eventLine(priced([usage], [rated])))).toEqual([
    '03:04:05',
    'acme',
    'key',
    'gpt-x',
    'in 15',
    'out 7',
    '$0.001230000000',
    'ok',
  ]);
});

test('tokens and costs are sums over the attempts', () => {
  expect(words(eventLine(priced([usage, usage], [rated, rated]))).slice(4, 7)).toEqual(['in 30', 'out 14', '$0.002460000000']);
});

test('what is unknown is a question mark, never 0', () => {
  const unknown = plainRating({ cost: null, unpricedReason: 'usage_unknown', lineItems: [] });
  expect(words(eventLine(priced([null], [unknown]))).slice(4, 7)).toEqual(['in ?', 'out ?', '?']);
  expect(words(eventLine(priced([usage, null], [rated, unknown])))[6]).toBe('?');
  expect(words(eventLine(priced([], []))).slice(4, 7)).toEqual(['in ?', 'out ?', '?']);
});

test('an event that was served by no model shows what was asked for', () => {
  expect(words(eventLine(priced([], [], { servedModel: '' })))[3]).toBe('alias');
});

test('as JSON, an amount is a decimal string and the unknown is null with its reason', () => {
  expect(JSON.parse(eventJson(priced([usage], [rated])))).toMatchObject({
    input_tokens: 15,
    cost_usd: '0.001230000000',
    unpriced_reason: '',
  });
  const missing = plainRating({ cost: null, unpricedReason: 'price_missing', lineItems: [] });
  expect(JSON.parse(eventJson(priced([null], [missing])))).toMatchObject({
    input_tokens: null,
    cost_usd: null,
    unpriced_reason: 'price_missing',
  });
});

test('a rejected event names its code and its place', () => {
  const line = rejectedLine({
    source: 'ingress/1',
    sequence: 9,
    code: 'EVENT_INVALID',
    message: 'no tenant',
    originTopic: 't',
    originPartition: 0,
    originOffset: 4,
    originalBytes: new Uint8Array(),
  });
  expect(line).toBe('rejected  EVENT_INVALID  ingress/1 9  no tenant');
});
