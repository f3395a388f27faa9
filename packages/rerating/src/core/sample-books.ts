/** Price books, attempts and events for tests: models that one book knows and another does not, prices that differ, and prices that depend on the request. */
import { type Attempt, isRejected, UNKNOWN_USAGE, type UsageEvent } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook } from '@tokenledger/pricing';

const HEAD = `sources: { page: { url: 'https://example.com/prices', date: 2026-01-01 } }
blocks:
`;
const block = (model: string, prices: string): string =>
  `  - { provider: acme, models: [${model}], effective_from: 2020-01-01, source: page, ${prices} }\n`;

/** `mid` has long requests of its own price; `new` is unknown, and `half` has no price for reasoning. */
export const FIRST_BOOK = bookOf([
  block('small', 'prices: { standard: { input: 3, cache_read: 0.30, output: 15 } }'),
  block(
    'mid',
    'prices: { standard: { input: 1, output: 2 } }, long_context: { above_input_tokens: 1000, prices: { standard: { input: 2, output: 4 } } }',
  ),
  block('old', 'prices: { standard: { input: 7, cache_read: 1, output: 9 } }'),
]);

/** Knows `new` and not `old`. */
export const SECOND_BOOK = bookOf([
  block('small', 'prices: { standard: { input: 3, cache_read: 0.31, output: 14 } }'),
  block('mid', 'prices: { standard: { input: 1, output: 2 } }'),
  block('new', 'prices: { standard: { input: 0.123456789012, cache_read: 0.5, output: 11 } }'),
]);

/** What the first says, under other names of its prices. */
export const SAME_BOOK = bookOf([
  block('old', 'prices: { standard: { input: 7, cache_read: 1, output: 9 } }'),
  block(
    'mid',
    'prices: { standard: { input: 1, output: 2 } }, long_context: { above_input_tokens: 1000, prices: { standard: { input: 2, output: 4 } } }',
  ),
  block('small', 'prices: { standard: { input: 3, cache_read: 0.30, output: 15 } }'),
]);

export const MODELS = ['small', 'mid', 'old', 'new', 'nobody'] as const;

export interface SampleAttempt {
  readonly model: string;
  /** Null: nobody reported it. */
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number } | null;
}

const AT_MS = Date.parse('2026-10-10T10:00:00Z');

export function sampleEvent(number: number, attempts: readonly SampleAttempt[]): UsageEvent {
  const last = attempts.at(-1)?.model ?? '';
  return {
    eventId: `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    requestId: `request-${number}`,
    source: 'ingress/1',
    sequence: number,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs: AT_MS + number,
    completedAtMs: AT_MS + number + 1_000,
    recordedAtMs: AT_MS + number + 1_001,
    timeToFirstByteMs: 210,
    timeToFirstTokenMs: 250,
    durationMs: 1_000,
    overheadUs: 80,
    attribution: {
      tenantId: number % 3 === 0 ? 'globex' : 'acme',
      projectId: 'support',
      ownerId: 'ada',
      team: 'search',
      userId: 'u1',
      virtualKeyId: `vk-${number % 2}`,
      application: 'desk',
      applicationVersion: '1',
      feature: 'answers',
      workflowId: '',
      taskId: '',
      taskType: '',
      conversationId: '',
      environment: 'production',
      promptVersion: '',
      mcpServer: '',
      labels: { a: '1' },
      settlementKind: '',
      settlementId: '',
    },
    surface: 'openai.chat',
    requestedModel: last,
    servedModel: last,
    provider: 'acme',
    channelId: 'main',
    routeType: 'direct',
    routeReason: '',
    serviceTier: '',
    region: '',
    streamed: false,
    outcome: 'ok',
    httpStatus: 200,
    errorClass: '',
    finishReason: 'stop',
    upstreamRequestId: `up-${number}`,
    traceId: '',
    attempts: attempts.map((attempt, index) => sampleAttempt(attempt, index, AT_MS + number)),
    counted: null,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes: 10,
    responseBytes: 20,
    avoidedUsage: null,
  };
}

function sampleAttempt({ model, tokens }: SampleAttempt, index: number, startedAtMs: number): Attempt {
  return {
    attemptId: `attempt-${index + 1}`,
    channelId: 'main',
    provider: 'acme',
    requestedModel: model,
    servedModel: model,
    serviceTier: '',
    region: '',
    startedAtMs,
    completedAtMs: startedAtMs + 1,
    timeToFirstByteMs: 1,
    httpStatus: 200,
    errorClass: '',
    upstreamRequestId: 'up',
    usage:
      tokens === null ? null : { ...UNKNOWN_USAGE, uncached_input: tokens.input, cache_read: tokens.cached, visible_output: tokens.output },
    usageSource: tokens === null ? 'none' : 'reported',
    usageBasis: '',
    usageReason: tokens === null ? 'not_reported' : '',
    usageFlags: [],
    rawUsage: '',
  };
}

function bookOf(blocks: readonly string[]): PriceBook {
  const book = parsePriceBook(HEAD + blocks.join(''));
  if (isRejected(book)) throw new Error(book.message);
  return book;
}
