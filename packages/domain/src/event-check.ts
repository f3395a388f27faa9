/** Whether an event may be accepted: what its type cannot say, and what bytes from elsewhere may break. */
import { rejected, type Rejected } from './errors.ts';
import type {
  Attempt,
  Counted,
  EventKind,
  Outcome,
  RouteType,
  SettlementKind,
  UsageBasis,
  UsageEvent,
  UsageReason,
  UsageSource,
} from './event.ts';
import { type Usage, USAGE_CLASSES, type UsageClass } from './usage.ts';
import { isUuid } from './uuid.ts';

/** Times are kept as whole seconds in 32 bits (minute, hour): 2001-09-09 to 2106-02-07. Earlier ones are seconds mistaken for milliseconds. */
const TIME_MS_MIN = 1_000_000_000_000;
const TIME_MS_MAX = 2 ** 32 * 1_000 - 1;
const HTTP_STATUS_MAX = 999;

const EVENT_KINDS: Words<EventKind> = { usage: true, rerate: true, reconciliation: true, import: true };
const OUTCOMES: Words<Outcome> = {
  ok: true,
  client_aborted: true,
  upstream_error: true,
  timed_out: true,
  refused_policy: true,
  refused_limit: true,
  refused_budget: true,
  refused_invalid: true,
  refused_too_large: true,
  refused_unavailable: true,
  cache_hit: true,
  unresolved: true,
};
const ROUTE_TYPES: Words<RouteType> = { direct: true, backup: true, cheaper_pool: true, cache: true, '': true };
const SETTLEMENT_KINDS: Words<SettlementKind> = { credits: true, wallet: true, cost_center: true, '': true };
const USAGE_SOURCES: Words<UsageSource> = { reported: true, counted: true, estimated: true, none: true };
const USAGE_BASES: Words<UsageBasis> = { '': true, request_bytes: true, answer_bytes: true, progress: true };
const USAGE_REASONS: Words<UsageReason> = {
  '': true,
  not_reported: true,
  not_forwarded: true,
  upstream_error: true,
  client_aborted: true,
  cut_off: true,
  reported_later: true,
  invalid_usage: true,
  answer_too_large: true,
  line_too_long: true,
  undecodable_answer: true,
  surface_unknown: true,
  unresolved: true,
  journal_lost: true,
  unchanged: true,
};
const COUNT_METHODS: Words<Counted['method']> = { exact: true, calibrated: true, approximate: true, '': true };

/** Every word of a union, so that the compiler asks for a new one here. */
type Words<Word extends string> = Readonly<Record<Word, true>>;

/** Null when the event may be accepted. Rejects `EVENT_INVALID`, naming the first field that is wrong. */
export function checkUsageEvent(event: UsageEvent): Rejected | null {
  const field = wrongIdentity(event) ?? wrongTime(event) ?? wrongFacts(event) ?? wrongCounted(event.counted) ?? wrongAttempts(event);
  return field === null ? null : rejected('EVENT_INVALID', `${field} has a value that no event may have`);
}

function wrongIdentity(event: UsageEvent): string | null {
  if (!isUuid(event.eventId)) return 'event_id';
  if (event.source === '') return 'source';
  if (!Number.isSafeInteger(event.sequence) || event.sequence < 1) return 'sequence';
  if (!isOneOf(EVENT_KINDS, event.kind)) return 'kind';
  if (!isAdjusted(event)) return 'adjusts_event_id';
  // Whose rows they are decides who may see them.
  return event.attribution.tenantId === '' ? 'tenant_id' : null;
}

/** A usage event adjusts nothing, a correction always names what it corrects, an import may. */
function isAdjusted({ kind, adjustsEventId }: UsageEvent): boolean {
  switch (kind) {
    case 'usage':
      return adjustsEventId === '';
    case 'import':
      return adjustsEventId === '' || isUuid(adjustsEventId);
    case 'rerate':
    case 'reconciliation':
      return isUuid(adjustsEventId);
  }
}

function wrongTime(event: UsageEvent): string | null {
  if (!isTime(event.occurredAtMs)) return 'occurred_at_ms';
  if (event.completedAtMs !== null && !isTime(event.completedAtMs)) return 'completed_at_ms';
  if (!isTime(event.recordedAtMs)) return 'recorded_at_ms';
  if (!isCountOrNull(event.timeToFirstByteMs)) return 'time_to_first_byte_ms';
  if (!isCountOrNull(event.timeToFirstTokenMs)) return 'time_to_first_token_ms';
  if (!isCountOrNull(event.durationMs)) return 'duration_ms';
  return isCountOrNull(event.overheadUs) ? null : 'overhead_us';
}

function wrongFacts(event: UsageEvent): string | null {
  if (!isOneOf(SETTLEMENT_KINDS, event.attribution.settlementKind)) return 'settlement_kind';
  if (!isOneOf(ROUTE_TYPES, event.routeType)) return 'route_type';
  if (!isOneOf(OUTCOMES, event.outcome)) return 'outcome';
  if (!isStatusOrNull(event.httpStatus)) return 'http_status';
  if (!isCountOrNull(event.requestBytes)) return 'request_bytes';
  if (!isCountOrNull(event.responseBytes)) return 'response_bytes';
  const wrong = wrongClass(event.avoidedUsage, event.kind === 'usage');
  return wrong === null ? null : `avoided_usage.${wrong}`;
}

function wrongCounted(counted: Counted | null): string | null {
  if (counted === null) return null;
  if (!isCountOrNull(counted.inputTokens)) return 'counted.input_tokens';
  if (!isCountOrNull(counted.outputTokens)) return 'counted.output_tokens';
  return isOneOf(COUNT_METHODS, counted.method) ? null : 'counted.method';
}

function wrongAttempts(event: UsageEvent): string | null {
  for (const [index, attempt] of event.attempts.entries()) {
    const field = wrongAttempt(attempt, event.kind === 'usage');
    if (field !== null) return `attempts[${index}].${field}`;
  }
  return null;
}

/** `unsigned`: an adjustment alone may hold negative quantities. */
function wrongAttempt(attempt: Attempt, unsigned: boolean): string | null {
  if (!isTime(attempt.startedAtMs)) return 'started_at_ms';
  if (attempt.completedAtMs !== null && !isTime(attempt.completedAtMs)) return 'completed_at_ms';
  if (!isCountOrNull(attempt.timeToFirstByteMs)) return 'time_to_first_byte_ms';
  if (!isStatusOrNull(attempt.httpStatus)) return 'http_status';
  if (!isOneOf(USAGE_SOURCES, attempt.usageSource)) return 'usage_source';
  if (!isOneOf(USAGE_BASES, attempt.usageBasis)) return 'usage_basis';
  if (attempt.usageBasis !== '' && attempt.usageSource !== 'estimated') return 'usage_basis';
  if (!isOneOf(USAGE_REASONS, attempt.usageReason)) return 'usage_reason';
  if ((attempt.usage === null) === (attempt.usageReason === '')) return 'usage_reason';
  const wrong = wrongClass(attempt.usage, unsigned);
  return wrong === null ? null : `usage.${wrong}`;
}

function wrongClass(usage: Usage | null, unsigned: boolean): UsageClass | null {
  if (usage === null) return null;
  for (const name of USAGE_CLASSES) {
    const quantity = usage[name];
    if (quantity === null) continue;
    if (!Number.isSafeInteger(quantity) || (unsigned && quantity < 0)) return name;
  }
  return null;
}

function isOneOf(words: Readonly<Record<string, true>>, word: string): boolean {
  return Object.hasOwn(words, word);
}

function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= TIME_MS_MIN && ms <= TIME_MS_MAX;
}

function isCountOrNull(value: number | null): boolean {
  return value === null || (Number.isSafeInteger(value) && value >= 0);
}

function isStatusOrNull(status: number | null): boolean {
  return status === null || (Number.isSafeInteger(status) && status >= 0 && status <= HTTP_STATUS_MAX);
}
