/** Priced events by number, for tests of what is written: the same number gives the same event, with every kind of unknown among them. */
import {
  ALL_PARTS,
  type Attempt,
  type AttemptRating,
  type Billing,
  ONE,
  plainRating,
  type PricedEvent,
  UNKNOWN_USAGE,
  type UsageEvent,
  uuidv7,
} from '@tokenledger/domain';
import type { LogRecord, OutgoingRecord } from '@tokenledger/event-log';
import { encodePriced, identityHeaders } from '@tokenledger/schemas';

export const SOURCE = 'ingress/one';
/** 2025-11-01 22:13:20 UTC: a day changes within the first few hundred numbers. */
const BEGIN_MS = 1_762_035_200_000;
const STEP_MS = 37_123;
const SOME_BYTES = Uint8Array.from({ length: 16 }, (_, index) => index * 17);

const pick = <Value>(values: readonly Value[], number: number): Value => values[number % values.length] as Value;

/** Every seventh event was never forwarded; every fifth failed once before it succeeded; every eleventh has no usage; every thirteenth no price; every sixth is
 *  charged in euros, of which a rate is known to every second, and with something agreed; of every seventeenth only the input is known, by an estimate. */
export function pricedEvent(sequence: number, source = SOURCE): PricedEvent {
  const attempts = attemptsOf(sequence);
  const ratings = attempts.map((attempt) => rate(attempt, sequence));
  return {
    event: eventOf(sequence, source, attempts),
    priceVersion: 'book-1',
    ratings,
    avoidedCost: null,
    billing: billing(sequence, ratings),
  };
}

/** A correction: takes 5 tokens and half a cent back from the event of the same number. */
export function correction(sequence: number): PricedEvent {
  const usage = { ...UNKNOWN_USAGE, visible_output: -5 };
  const attempt: Attempt = { ...successful(sequence), usage, usageSource: 'reported', usageReason: '' };
  const adjusted = eventOf(sequence, SOURCE, [attempt]).eventId;
  const event = eventOf(sequence, 'statement/2025-11', [attempt]);
  const rating = plainRating({ cost: -5_000_000_000n, unpricedReason: '', lineItems: [] });
  return {
    event: { ...event, kind: 'reconciliation', adjustsEventId: adjusted },
    priceVersion: 'book-1',
    ratings: [rating],
    avoidedCost: null,
    billing: null,
  };
}

export function outgoing(priced: PricedEvent): OutgoingRecord {
  return { key: priced.event.attribution.virtualKeyId, value: encodePriced(priced), headers: identityHeaders(priced.event) };
}

/** As it would be read from the log. */
export function logRecord(priced: PricedEvent, offset: number, topic: string, partition = 0): LogRecord {
  const { key, value, headers = {} } = outgoing(priced);
  return { key, value, headers, topic, partition, offset, timestampMs: priced.event.recordedAtMs };
}

function attemptsOf(sequence: number): readonly Attempt[] {
  if (sequence % 7 === 0) return [];
  const last: Attempt = {
    ...successful(sequence),
    ...(sequence % 11 === 0 ? unknown('not_reported') : sequence % 17 === 0 ? ESTIMATED : {}),
  };
  return sequence % 5 === 0
    ? [{ ...successful(sequence), ...unknown('upstream_error'), attemptId: `first-${sequence}`, httpStatus: 503 }, last]
    : [last];
}

const ESTIMATED: Pick<Attempt, 'usage' | 'usageSource' | 'usageBasis' | 'rawUsage'> = {
  usage: { ...UNKNOWN_USAGE, uncached_input: 100 },
  usageSource: 'estimated',
  usageBasis: 'request_bytes',
  rawUsage: '',
};

function unknown(usageReason: Attempt['usageReason']): Pick<Attempt, 'usage' | 'usageSource' | 'usageReason' | 'rawUsage'> {
  return { usage: null, usageSource: 'none', usageReason, rawUsage: '' };
}

function successful(sequence: number): Attempt {
  const startedAtMs = BEGIN_MS + sequence * STEP_MS + 1;
  const reasoning = sequence % 3 === 0 ? null : sequence % 50;
  return {
    attemptId: `attempt-${sequence}`,
    channelId: pick(['main', 'spare'], sequence),
    provider: pick(['openai', 'anthropic'], sequence),
    requestedModel: 'small',
    servedModel: pick(['small-1', 'large-1', 'large-2'], sequence),
    serviceTier: 'default',
    region: 'eu',
    startedAtMs,
    completedAtMs: startedAtMs + 800,
    timeToFirstByteMs: 120,
    httpStatus: 200,
    errorClass: '',
    upstreamRequestId: `up-${sequence}`,
    usage: { ...UNKNOWN_USAGE, uncached_input: 100 + sequence, cache_read: sequence % 4 === 0 ? null : 10, visible_output: 20, reasoning },
    usageSource: 'reported',
    usageBasis: '',
    usageReason: '',
    usageFlags: sequence % 9 === 0 ? ['split_unknown'] : [],
    rawUsage: '{"prompt_tokens":1}',
  };
}

function rate(attempt: Attempt, sequence: number): AttemptRating {
  if (attempt.usage === null) return plainRating({ cost: null, unpricedReason: 'usage_unknown', lineItems: [] });
  if (sequence % 13 === 0) return plainRating({ cost: null, unpricedReason: 'price_missing', lineItems: [] });
  const quantity = attempt.usage.uncached_input ?? 0;
  const amount = BigInt(quantity) * 1_250_001n;
  const line = {
    usageClass: 'uncached_input',
    quantity,
    unitPrice: 1_250_001_000_000n,
    perUnits: 1_000_000,
    amount,
    entryId: 'in',
    priceVersion: '',
    factor: ONE,
    partOf: ALL_PARTS,
  } as const;
  const rating = plainRating({ cost: amount, unpricedReason: '', lineItems: [line], saved: BigInt(sequence) });
  if (sequence % 6 !== 0) return rating;
  const list = sequence % 4 === 0 ? null : amount * 2n;
  const listUnpricedReason = list === null ? 'price_missing' : '';
  return {
    ...rating,
    lineItems: [{ ...line, partOf: 'cost' }],
    agreed: { contract: 'c-1', list, listUnpricedReason, billable: amount + 1n, billableUnpricedReason: '' },
  };
}

function billing(sequence: number, ratings: readonly AttemptRating[]): Billing | null {
  if (sequence % 6 !== 0) return null;
  const billed = ratings.flatMap(({ agreed }) => agreed?.billable ?? []);
  const known = sequence % 12 === 0;
  const amount = known && billed.length > 0 ? billed.reduce((sum, each) => sum + each / 2n, 0n) : null;
  const rate = known ? { fxRate: ONE / 2n, fxRateId: 'eur-1', fxSource: 'bank' } : { fxRate: null, fxRateId: '', fxSource: '' };
  return { rateCard: 'card-1', currency: 'EUR', amount, ...rate };
}

function eventOf(sequence: number, source: string, attempts: readonly Attempt[]): UsageEvent {
  const occurredAtMs = BEGIN_MS + sequence * STEP_MS;
  const forwarded = attempts.at(-1);
  return {
    eventId: uuidv7(occurredAtMs, SOME_BYTES),
    requestId: `request-${sequence}`,
    source,
    sequence,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs,
    completedAtMs: occurredAtMs + 900,
    recordedAtMs: occurredAtMs + 901,
    timeToFirstByteMs: 130,
    timeToFirstTokenMs: 140,
    durationMs: 900,
    overheadUs: 310,
    attribution: {
      tenantId: pick(['acme', 'globex', 'initech'], sequence),
      projectId: pick(['search', 'chat'], sequence),
      ownerId: pick(['ada', 'grace'], sequence),
      team: 'platform',
      userId: `user-${sequence % 20}`,
      virtualKeyId: `key-${sequence % 6}`,
      application: pick(['assistant', 'indexer'], sequence),
      applicationVersion: '2.1',
      feature: pick(['answers', ''], sequence),
      workflowId: `workflow-${sequence % 9}`,
      taskId: `task-${sequence}`,
      taskType: 'summary',
      conversationId: `conversation-${sequence % 30}`,
      environment: pick(['production', 'staging'], sequence),
      promptVersion: 'v7',
      mcpServer: 'files',
      labels: { ring: pick(['blue', 'green'], sequence), 'odd "label"': 'line\nbreak' },
      settlementKind: 'wallet',
      settlementId: 'wallet-1',
    },
    surface: pick(['openai.chat', 'anthropic.messages'], sequence),
    requestedModel: 'small',
    servedModel: forwarded?.servedModel ?? '',
    provider: forwarded?.provider ?? '',
    channelId: forwarded?.channelId ?? '',
    routeType: 'direct',
    routeReason: 'first',
    serviceTier: 'default',
    region: 'eu',
    streamed: sequence % 2 === 0,
    outcome: forwarded === undefined ? 'refused_policy' : 'ok',
    httpStatus: forwarded === undefined ? 403 : 200,
    errorClass: '',
    finishReason: 'stop',
    upstreamRequestId: `up-${sequence}`,
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    attempts,
    counted:
      sequence % 6 === 0 ? null : { inputTokens: 101 + sequence, outputTokens: 20, tokenizer: 'o200k_base', method: 'exact', reason: '' },
    promptFingerprint: '9f86d081884c7d65',
    lastToolFingerprint: '',
    requestBytes: 2048,
    responseBytes: null,
    avoidedUsage: null,
  };
}
