/** Arbitrary events for property tests: every field takes any value its type allows. */
import {
  type Attempt,
  type AttemptRating,
  type Counted,
  ONE,
  type PricedEvent,
  type RejectedEvent,
  USAGE_CLASSES,
  type Usage,
  type UsageClass,
  type UsageEvent,
} from '@tokenledger/domain';
import * as fc from 'fast-check';

/** Short and ASCII, long, and any script; a lone surrogate has no form in UTF-8. */
const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 80 }) },
  fc.string({ unit: 'binary', maxLength: 70 }),
);
const long = fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }));
const nullableLong = fc.option(long);
const word = <Word extends string>(...words: readonly Word[]): fc.Arbitrary<Word> => fc.constantFrom(...words);

const usage = fc.record(
  Object.fromEntries(USAGE_CLASSES.map((name) => [name, nullableLong])) as Record<UsageClass, typeof nullableLong>,
) as fc.Arbitrary<Usage>;

const attempt: fc.Arbitrary<Attempt> = fc.record({
  attemptId: text,
  channelId: text,
  provider: text,
  requestedModel: text,
  servedModel: text,
  serviceTier: text,
  region: text,
  startedAtMs: long,
  completedAtMs: nullableLong,
  timeToFirstByteMs: nullableLong,
  httpStatus: nullableLong,
  errorClass: text,
  upstreamRequestId: text,
  usage: fc.option(usage),
  usageSource: word('reported', 'counted', 'estimated', 'none'),
  usageBasis: word('', 'request_bytes', 'answer_bytes', 'progress'),
  usageReason: word('', 'not_reported', 'cut_off'),
  usageFlags: fc.array(text, { maxLength: 3 }),
  rawUsage: text,
});

const counted: fc.Arbitrary<Counted> = fc.record({
  inputTokens: nullableLong,
  outputTokens: nullableLong,
  tokenizer: text,
  method: word('', 'exact', 'calibrated', 'approximate'),
  reason: text,
});

export const arbitraryUsageEvent: fc.Arbitrary<UsageEvent> = fc.record({
  eventId: fc.uuid({ version: 7 }),
  requestId: text,
  source: text,
  sequence: long,
  kind: word('usage', 'rerate', 'reconciliation', 'import'),
  adjustsEventId: text,
  occurredAtMs: long,
  completedAtMs: nullableLong,
  recordedAtMs: long,
  timeToFirstByteMs: nullableLong,
  timeToFirstTokenMs: nullableLong,
  durationMs: nullableLong,
  overheadUs: nullableLong,
  attribution: fc.record({
    tenantId: text,
    projectId: text,
    ownerId: text,
    team: text,
    userId: text,
    virtualKeyId: text,
    application: text,
    applicationVersion: text,
    feature: text,
    workflowId: text,
    taskId: text,
    taskType: text,
    conversationId: text,
    environment: text,
    promptVersion: text,
    mcpServer: text,
    labels: fc.dictionary(fc.oneof(text, word('__proto__', 'constructor', '7')), text, { maxKeys: 4, noNullPrototype: true }),
    settlementKind: word('', 'credits', 'wallet', 'cost_center'),
    settlementId: text,
  }),
  surface: text,
  requestedModel: text,
  servedModel: text,
  provider: text,
  channelId: text,
  routeType: word('', 'direct', 'backup', 'cheaper_pool', 'cache'),
  routeReason: text,
  serviceTier: text,
  region: text,
  streamed: fc.boolean(),
  outcome: word('ok', 'client_aborted', 'refused_policy', 'unresolved'),
  httpStatus: nullableLong,
  errorClass: text,
  finishReason: text,
  upstreamRequestId: text,
  traceId: text,
  attempts: fc.array(attempt, { maxLength: 3 }),
  counted: fc.option(counted),
  promptFingerprint: text,
  lastToolFingerprint: text,
  requestBytes: nullableLong,
  responseBytes: nullableLong,
  avoidedUsage: fc.option(usage),
});

const amount = fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n });

const rating: fc.Arbitrary<AttemptRating> = fc.record({
  cost: fc.option(amount),
  unpricedReason: word('', 'usage_unknown', 'model_unknown', 'price_missing'),
  lineItems: fc.array(
    fc.record({
      usageClass: fc.constantFrom(...USAGE_CLASSES),
      quantity: long,
      unitPrice: amount,
      perUnits: fc.constantFrom(1, 1_000, 1_000_000),
      amount,
      entryId: text,
      priceVersion: text,
      factor: fc.oneof(fc.constant(ONE), amount),
      partOf: word('list,cost,billable', 'list', 'cost,billable'),
    }),
    { maxLength: 4 },
  ),
  saved: fc.option(amount),
  candidates: fc.array(text, { maxLength: 3 }),
  agreed: fc.option(
    fc.record({
      contract: text,
      list: fc.option(amount),
      listUnpricedReason: word('', 'model_unknown'),
      billable: fc.option(amount),
      billableUnpricedReason: word('', 'price_missing'),
    }),
  ),
});

export const arbitraryPricedEvent: fc.Arbitrary<PricedEvent> = fc.record({
  event: arbitraryUsageEvent,
  priceVersion: text,
  ratings: fc.array(rating, { maxLength: 3 }),
  avoidedCost: fc.option(amount),
  billing: fc.option(
    fc.record({
      rateCard: text,
      currency: text,
      amount: fc.option(amount),
      fxRate: fc.option(amount),
      fxRateId: text,
      fxSource: text,
    }),
  ),
});

export const arbitraryRejectedEvent: fc.Arbitrary<RejectedEvent> = fc.record({
  source: text,
  sequence: long,
  code: text,
  message: text,
  originTopic: text,
  originPartition: fc.nat(),
  originOffset: fc.nat(),
  originalBytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});
