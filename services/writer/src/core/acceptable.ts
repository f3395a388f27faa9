/** Whether ClickHouse would take an event. One value that it refuses would refuse the whole batch, again and again. */
import {
  type Attempt,
  isUuid,
  type LineItem,
  type PicoUsd,
  type PricedEvent,
  rejected,
  type Rejected,
  USAGE_CLASSES,
  type UsageEvent,
} from '@tokenledger/domain';
import { TIME_MAX_MS, TIME_MIN_MS } from './time.ts';

/** `Decimal(38, 12)`. */
const MONEY_LIMIT = 10n ** 38n;
const STATUS_MAX = 65_535;

/** Null when every value fits its column. Rejects `ROW_INVALID`, naming the first field that does not. */
export function whyRefused(priced: PricedEvent): Rejected | null {
  const field = misfit(priced);
  return field === null ? null : rejected('ROW_INVALID', `${field} does not fit its column`);
}

function misfit({ event, ratings, avoidedCost, billing }: PricedEvent): string | null {
  if (event.source === '') return 'source';
  if (!isCount(event.sequence) || event.sequence === 0) return 'sequence';
  if (!isUuid(event.eventId)) return 'event_id';
  if (event.adjustsEventId !== '' && !isUuid(event.adjustsEventId)) return 'adjusts_event_id';
  if (!isTime(event.occurredAtMs)) return 'occurred_at';
  if (!isTimeOrNull(event.completedAtMs)) return 'completed_at';
  if (!isTime(event.recordedAtMs)) return 'recorded_at';
  if (!isIntegerOrNull(event.timeToFirstByteMs)) return 'time_to_first_byte_ms';
  if (!isIntegerOrNull(event.timeToFirstTokenMs)) return 'time_to_first_token_ms';
  if (!isIntegerOrNull(event.durationMs)) return 'duration_ms';
  if (!isIntegerOrNull(event.overheadUs)) return 'overhead_us';
  if (!isStatusOrNull(event.httpStatus)) return 'http_status';
  if (!isIntegerOrNull(event.requestBytes)) return 'request_bytes';
  if (!isIntegerOrNull(event.responseBytes)) return 'response_bytes';
  if (event.counted !== null && !isIntegerOrNull(event.counted.inputTokens)) return 'counted_input_tokens';
  if (event.counted !== null && !isIntegerOrNull(event.counted.outputTokens)) return 'counted_output_tokens';
  if (ratings.length !== event.attempts.length) return 'ratings';
  return (
    inAttempts(event.attempts) ?? inRatings(ratings) ?? inAgreed(ratings) ?? inSaved(event, ratings, avoidedCost) ?? inBilling(billing)
  );
}

function inAttempts(attempts: readonly Attempt[]): string | null {
  for (const attempt of attempts) {
    if (!isTime(attempt.startedAtMs)) return 'attempts.started_at';
    if (!isTimeOrNull(attempt.completedAtMs)) return 'attempts.completed_at';
    if (!isIntegerOrNull(attempt.timeToFirstByteMs)) return 'attempts.time_to_first_byte_ms';
    if (!isStatusOrNull(attempt.httpStatus)) return 'attempts.http_status';
    if (attempt.usage === null) continue;
    for (const name of USAGE_CLASSES) {
      const quantity = attempt.usage[name];
      if (quantity !== null && !Number.isSafeInteger(quantity)) return `attempts.${name}`;
    }
  }
  return attempts.length > 1 ? inSums(attempts) : null;
}

/** The event's own columns hold the sums over its attempts. */
function inSums(attempts: readonly Attempt[]): string | null {
  for (const name of USAGE_CLASSES) {
    let sum = 0;
    for (const { usage } of attempts) {
      sum += usage?.[name] ?? 0;
      if (!Number.isSafeInteger(sum)) return `attempts.${name}`;
    }
  }
  return null;
}

function inRatings(ratings: PricedEvent['ratings']): string | null {
  let sum = 0n;
  for (const rating of ratings) {
    sum += rating.cost ?? 0n;
    if (!isMoney(rating.cost ?? 0n) || !isMoney(sum)) return 'cost_usd';
    for (const item of rating.lineItems) {
      if (!isLineItem(item)) return 'line_items';
    }
  }
  return null;
}

function inAgreed(ratings: PricedEvent['ratings']): string | null {
  if (!ratings.some(({ agreed }) => agreed !== null)) return null;
  let [list, billable] = [0n, 0n];
  for (const { cost, agreed } of ratings) {
    const [listed, billed] = agreed === null ? [cost, cost] : [agreed.list, agreed.billable];
    list += listed ?? 0n;
    billable += billed ?? 0n;
    if (!isMoney(listed ?? 0n) || !isMoney(list)) return 'list_cost_usd';
    if (!isMoney(billed ?? 0n) || !isMoney(billable)) return 'billable_usd';
  }
  return null;
}

function inSaved({ avoidedUsage }: UsageEvent, ratings: PricedEvent['ratings'], avoidedCost: PicoUsd | null): string | null {
  let sum = avoidedCost ?? 0n;
  if (!isMoney(sum)) return 'saved_usd';
  for (const { saved } of ratings) {
    sum += saved ?? 0n;
    if (!isMoney(saved ?? 0n) || !isMoney(sum)) return 'saved_usd';
  }
  if (avoidedUsage === null) return null;
  return USAGE_CLASSES.some((name) => !isIntegerOrNull(avoidedUsage[name])) ? 'avoided.quantity' : null;
}

function inBilling(billing: PricedEvent['billing']): string | null {
  if (billing === null) return null;
  if (!isMoney(billing.amount ?? 0n)) return 'billable_amount';
  return isMoney(billing.fxRate ?? 0n) ? null : 'fx_rate';
}

function isLineItem(item: LineItem): boolean {
  return (
    Number.isSafeInteger(item.quantity) && isCount(item.perUnits) && isMoney(item.unitPrice) && isMoney(item.amount) && isMoney(item.factor)
  );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isIntegerOrNull(value: number | null): boolean {
  return value === null || Number.isSafeInteger(value);
}

function isStatusOrNull(value: number | null): boolean {
  return value === null || (isCount(value) && value <= STATUS_MAX);
}

function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= TIME_MIN_MS && ms <= TIME_MAX_MS;
}

function isTimeOrNull(ms: number | null): boolean {
  return ms === null || isTime(ms);
}

function isMoney(pico: PicoUsd): boolean {
  return pico < MONEY_LIMIT && pico > -MONEY_LIMIT;
}
