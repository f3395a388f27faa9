/** The row of an event: every column of `usage_events` that is inserted, beside where its value comes from.
 *
 *  Rows are arrays for `JSONCompactEachRow`. Integers up to 2⁵³ are numbers; money is text, since a JSON number would pass
 *  through a float on either side; times are text of seconds and milliseconds. */
import type { Cell } from '@tokenledger/clickhouse';
import {
  type Attempt,
  type AttemptRating,
  type Attribution,
  type LineItem,
  type PicoUsd,
  type PricedEvent,
  TOKEN_CLASSES,
  UNIT_CLASSES,
  type UsageClass,
  type UsageEvent,
} from '@tokenledger/domain';
import { type EventSums, sumAttempts } from './sums.ts';
import { time } from './time.ts';

export type Row = readonly Cell[];

/** Who inserts the row; the fence refuses an older epoch. */
export interface RowOwner {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
}

interface Facts {
  readonly event: UsageEvent;
  readonly owner: RowOwner;
  readonly who: Attribution;
  readonly sums: EventSums;
  readonly priced: PricedEvent;
  readonly lines: readonly ChargedLine[];
}

interface ChargedLine {
  /** Attempt that is charged, from 1. */
  readonly attempt: number;
  readonly item: LineItem;
}

type Value<Subject> = (subject: Subject) => Cell;
type Column<Subject> = readonly [name: string, value: Value<Subject>];

/** Name of the column of a usage class: `<class>_tokens`, units under their own names. */
function classColumn(usageClass: UsageClass): string {
  return CLASS_COLUMNS.get(usageClass) as string;
}
const CLASS_COLUMNS: ReadonlyMap<UsageClass, string> = new Map<UsageClass, string>([
  ...TOKEN_CLASSES.map((name) => [name, `${name}_tokens`] as const),
  ...UNIT_CLASSES.map((name) => [name, name] as const),
]);

const EVENT: readonly Column<Facts>[] = [
  ['event_id', ({ event }) => event.eventId],
  ['request_id', ({ event }) => event.requestId],
  ['source', ({ event }) => event.source],
  ['sequence', ({ event }) => event.sequence],
  ['log_topic', ({ owner }) => owner.topic],
  ['log_partition', ({ owner }) => owner.partition],
  ['epoch', ({ owner }) => owner.epoch],
  ['kind', ({ event }) => event.kind],
  ['adjusts_event_id', ({ event }) => (event.adjustsEventId === '' ? null : event.adjustsEventId)],
  ['occurred_at', ({ event }) => time(event.occurredAtMs)],
  ['completed_at', ({ event }) => timeOrNull(event.completedAtMs)],
  ['recorded_at', ({ event }) => time(event.recordedAtMs)],
  ['time_to_first_byte_ms', ({ event }) => event.timeToFirstByteMs],
  ['time_to_first_token_ms', ({ event }) => event.timeToFirstTokenMs],
  ['duration_ms', ({ event }) => event.durationMs],
  ['overhead_us', ({ event }) => event.overheadUs],
  ['tenant_id', ({ who }) => who.tenantId],
  ['project_id', ({ who }) => who.projectId],
  ['owner_id', ({ who }) => who.ownerId],
  ['team', ({ who }) => who.team],
  ['user_id', ({ who }) => who.userId],
  ['virtual_key_id', ({ who }) => who.virtualKeyId],
  ['application', ({ who }) => who.application],
  ['application_version', ({ who }) => who.applicationVersion],
  ['feature', ({ who }) => who.feature],
  ['workflow_id', ({ who }) => who.workflowId],
  ['task_id', ({ who }) => who.taskId],
  ['task_type', ({ who }) => who.taskType],
  ['conversation_id', ({ who }) => who.conversationId],
  ['environment', ({ who }) => who.environment],
  ['prompt_version', ({ who }) => who.promptVersion],
  ['mcp_server', ({ who }) => who.mcpServer],
  ['labels', ({ who }) => who.labels],
  ['settlement_kind', ({ who }) => who.settlementKind],
  ['settlement_id', ({ who }) => who.settlementId],
  ['surface', ({ event }) => event.surface],
  ['requested_model', ({ event }) => event.requestedModel],
  ['served_model', ({ event }) => event.servedModel],
  ['provider', ({ event }) => event.provider],
  ['channel_id', ({ event }) => event.channelId],
  ['route_type', ({ event }) => event.routeType],
  ['route_reason', ({ event }) => event.routeReason],
  ['service_tier', ({ event }) => event.serviceTier],
  ['region', ({ event }) => event.region],
  ['streamed', ({ event }) => event.streamed],
  ['outcome', ({ event }) => event.outcome],
  ['http_status', ({ event }) => event.httpStatus],
  ['error_class', ({ event }) => event.errorClass],
  ['finish_reason', ({ event }) => event.finishReason],
  ['upstream_request_id', ({ event }) => event.upstreamRequestId],
  ['trace_id', ({ event }) => event.traceId],
  ...classColumns(
    (name): Value<Facts> =>
      ({ sums }) =>
        sums.usage[name],
  ),
  ['usage_reason', ({ sums }) => sums.usageReason],
  ['usage_source', ({ sums }) => sums.usageSource],
  ['usage_flags', ({ sums }) => sums.usageFlags],
  ['attempts_usage_unknown', ({ sums }) => sums.attemptsUsageUnknown],
  ['counted_input_tokens', ({ event }) => event.counted?.inputTokens ?? null],
  ['counted_output_tokens', ({ event }) => event.counted?.outputTokens ?? null],
  ['counted_tokenizer', ({ event }) => event.counted?.tokenizer ?? ''],
  ['counted_method', ({ event }) => event.counted?.method ?? ''],
  ['counted_reason', ({ event }) => event.counted?.reason ?? 'not_counted'],
  ['cost_usd', ({ sums }) => moneyOrNull(sums.cost)],
  ['price_version', ({ priced }) => priced.priceVersion],
  ['unpriced_reason', ({ sums }) => sums.unpricedReason],
  ['attempts_unpriced', ({ sums }) => sums.attemptsUnpriced],
  ['prompt_fingerprint', ({ event }) => event.promptFingerprint],
  ['last_tool_fingerprint', ({ event }) => event.lastToolFingerprint],
  ['request_bytes', ({ event }) => event.requestBytes],
  ['response_bytes', ({ event }) => event.responseBytes],
];

const LINE_ITEM: readonly Column<ChargedLine>[] = [
  ['attempt', ({ attempt }) => attempt],
  ['usage_class', ({ item }) => item.usageClass],
  ['quantity', ({ item }) => item.quantity],
  ['unit_price_usd', ({ item }) => money(item.unitPrice)],
  ['per_units', ({ item }) => item.perUnits],
  ['amount_usd', ({ item }) => money(item.amount)],
  ['entry_id', ({ item }) => item.entryId],
];

const ATTEMPT: readonly Column<Attempt>[] = [
  ['attempt_id', (attempt) => attempt.attemptId],
  ['channel_id', (attempt) => attempt.channelId],
  ['provider', (attempt) => attempt.provider],
  ['requested_model', (attempt) => attempt.requestedModel],
  ['served_model', (attempt) => attempt.servedModel],
  ['service_tier', (attempt) => attempt.serviceTier],
  ['region', (attempt) => attempt.region],
  ['started_at', (attempt) => time(attempt.startedAtMs)],
  ['completed_at', (attempt) => timeOrNull(attempt.completedAtMs)],
  ['time_to_first_byte_ms', (attempt) => attempt.timeToFirstByteMs],
  ['http_status', (attempt) => attempt.httpStatus],
  ['error_class', (attempt) => attempt.errorClass],
  ['upstream_request_id', (attempt) => attempt.upstreamRequestId],
  ...classColumns(
    (name): Value<Attempt> =>
      (attempt) =>
        attempt.usage?.[name] ?? null,
  ),
  ['usage_source', (attempt) => attempt.usageSource],
  ['usage_reason', (attempt) => attempt.usageReason],
  ['usage_flags', (attempt) => attempt.usageFlags],
  ['raw_usage', (attempt) => attempt.rawUsage],
];

const RATING: readonly Column<AttemptRating>[] = [
  ['cost_usd', (rating) => moneyOrNull(rating.cost)],
  ['unpriced_reason', (rating) => rating.unpricedReason],
];

/** In the order of the values that `eventRow` returns. */
export const EVENT_COLUMNS: readonly string[] = [
  ...EVENT.map(([name]) => name),
  ...LINE_ITEM.map(([name]) => `line_items.${name}`),
  ...ATTEMPT.map(([name]) => `attempts.${name}`),
  ...RATING.map(([name]) => `attempts.${name}`),
];

const EVENT_VALUES = EVENT.map(([, value]) => value);
const LINE_ITEM_VALUES = LINE_ITEM.map(([, value]) => value);
const ATTEMPT_VALUES = ATTEMPT.map(([, value]) => value);
const RATING_VALUES = RATING.map(([, value]) => value);

/** `priced` must be acceptable (see `acceptable.ts`): ClickHouse refuses a whole batch for one bad value. */
export function eventRow(priced: PricedEvent, owner: RowOwner): Row {
  const { event, ratings } = priced;
  const facts = { event, owner, who: event.attribution, sums: sumAttempts(priced), priced, lines: chargedLines(ratings) };
  const row: Cell[] = [];
  for (const value of EVENT_VALUES) row.push(value(facts));
  pushLists(row, LINE_ITEM_VALUES, facts.lines);
  pushLists(row, ATTEMPT_VALUES, event.attempts);
  pushLists(row, RATING_VALUES, ratings);
  return row;
}

/** One list per column. Almost every event has one attempt, and `map` costs more than the value. */
function pushLists<Subject>(row: Cell[], values: readonly Value<Subject>[], subjects: readonly Subject[]): void {
  const [only] = subjects;
  if (only !== undefined && subjects.length === 1) for (const value of values) row.push([value(only)]);
  else for (const value of values) row.push(subjects.map(value));
}

function chargedLines(ratings: readonly AttemptRating[]): readonly ChargedLine[] {
  return ratings.flatMap((rating, index) => rating.lineItems.map((item) => ({ attempt: index + 1, item })));
}

function classColumns<Subject>(value: (name: UsageClass) => Value<Subject>): readonly Column<Subject>[] {
  return [...TOKEN_CLASSES, ...UNIT_CLASSES].map((name) => [classColumn(name), value(name)] as const);
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : time(ms);
}

/** `3000000e-12`: exact, and a quarter of the work of printing the point (ClickHouse reads decimals with an exponent). */
function money(pico: PicoUsd): string {
  return `${pico}e-12`;
}

function moneyOrNull(pico: PicoUsd | null): string | null {
  return pico === null ? null : money(pico);
}
