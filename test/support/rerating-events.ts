/** Usage events and price books for what is rated again: models that only one of two books knows, attempts that failed, usage that nobody reported. */
import { type Attempt, isRejected, UNKNOWN_USAGE, type UsageEvent, uuidv7 } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook } from '@tokenledger/pricing';

export const FIRST_OCCURRED_MS = Date.parse('2026-10-01T00:00:00Z');
const HEAD = `sources: { page: { url: 'https://example.com/prices', date: 2026-01-01 } }
blocks:
`;
const block = (model: string, prices: string): string =>
  `  - { provider: acme, models: [${model}], effective_from: 2020-01-01, source: page, prices: { standard: ${prices} } }\n`;

/** Does not know `new`. */
const BEFORE_TEXT =
  HEAD + block('small', '{ input: 3, cache_read: 0.30, output: 15 }') + block('old', '{ input: 7, cache_read: 1, output: 9 }');
/** Does not know `old`. */
const AFTER_TEXT =
  HEAD + block('small', '{ input: 3.5, cache_read: 0.30, output: 15 }') + block('new', '{ input: 2, cache_read: 0.1, output: 11 }');

export const BEFORE = bookOf(BEFORE_TEXT);
export const AFTER = bookOf(AFTER_TEXT);

const MODELS = ['small', 'old', 'new', 'small', 'small'] as const;
const SOME_BYTES = Uint8Array.from({ length: 16 }, (_, index) => index * 13);

/** Events are `stepMs` apart. Every seventh failed once before; every eleventh has no usage. */
export function rerateEvent(number: number, source: string, sequence: number, stepMs: number): UsageEvent {
  const occurredAtMs = FIRST_OCCURRED_MS + number * stepMs;
  const model = MODELS[number % MODELS.length] ?? 'small';
  const answered: Attempt = {
    attemptId: `attempt-${number}`,
    channelId: 'main',
    provider: 'acme',
    requestedModel: model,
    servedModel: model,
    serviceTier: 'standard',
    region: '',
    startedAtMs: occurredAtMs + 1,
    completedAtMs: occurredAtMs + 900,
    timeToFirstByteMs: 210,
    httpStatus: 200,
    errorClass: '',
    upstreamRequestId: `up-${number}`,
    usage: { ...UNKNOWN_USAGE, uncached_input: 1_000 + (number % 97), cache_read: number % 13, visible_output: 100 + (number % 31) },
    usageSource: 'reported',
    usageBasis: '',
    usageReason: '',
    usageFlags: [],
    rawUsage: '',
  };
  const unknown: Attempt = { ...answered, usage: null, usageSource: 'none', usageReason: 'not_reported' };
  const failed: Attempt = { ...unknown, attemptId: `first-${number}`, usageReason: 'upstream_error', httpStatus: 503 };
  const last = number % 11 === 0 ? unknown : answered;
  return {
    eventId: uuidv7(occurredAtMs + number, SOME_BYTES),
    requestId: `request-${number}`,
    source,
    sequence,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs,
    completedAtMs: occurredAtMs + 1_000,
    recordedAtMs: occurredAtMs + 1_001,
    timeToFirstByteMs: 211,
    timeToFirstTokenMs: 250,
    durationMs: 1_000,
    overheadUs: 80,
    attribution: {
      tenantId: number % 3 === 0 ? 'globex' : 'acme',
      projectId: 'support',
      ownerId: 'ada',
      team: 'search',
      userId: `user-${number % 5}`,
      virtualKeyId: `vk-${number % 4}`,
      application: 'desk',
      applicationVersion: '1',
      feature: number % 2 === 0 ? 'answers' : 'search',
      workflowId: '',
      taskId: '',
      taskType: '',
      conversationId: '',
      environment: 'production',
      promptVersion: '',
      mcpServer: '',
      labels: { region: 'eu' },
      settlementKind: '',
      settlementId: '',
    },
    surface: 'openai.chat',
    requestedModel: model,
    servedModel: model,
    provider: 'acme',
    channelId: 'main',
    routeType: 'direct',
    routeReason: '',
    serviceTier: 'standard',
    region: '',
    streamed: false,
    outcome: 'ok',
    httpStatus: 200,
    errorClass: '',
    finishReason: 'stop',
    upstreamRequestId: `up-${number}`,
    traceId: '',
    attempts: number % 7 === 0 ? [failed, last] : [last],
    counted: null,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes: 5_000,
    responseBytes: 900,
    avoidedUsage: null,
  };
}

function bookOf(text: string): PriceBook {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}
