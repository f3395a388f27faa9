/** Rows of a period from ClickHouse: events, and the corrections of their rating. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import {
  type Attempt,
  type ChargedClass,
  invariant,
  isRejected,
  type LineItem,
  type LineParts,
  parseUsd,
  type PicoUsd,
  UNKNOWN_USAGE,
  type UnpricedReason,
  type Usage,
  USAGE_CLASSES,
  usageColumn,
  type UsageClass,
  type UsageEvent,
} from '@tokenledger/domain';
import { type HourCount, type Period, type Slice, sliced } from './core/slices.ts';
import { perAmount } from './core/amounts.ts';
import type { LedgerRow, RowAttempt } from './core/standing.ts';

export interface Selection extends Period {
  /** None: all of them. */
  readonly tenants: readonly string[];
  /** Events one of whose attempts was for this model or answered by it. None: all. */
  readonly models: readonly string[];
  readonly providers: readonly string[];
}

/** Statements whose corrections belong to the rating of an event. Others correct something else, and stay as they are. */
export const RERATE_PREFIX = 'rerate/';

const EVENT_COLUMNS = [
  'request_id',
  'kind',
  'tenant_id',
  'project_id',
  'owner_id',
  'team',
  'user_id',
  'virtual_key_id',
  'application',
  'application_version',
  'feature',
  'workflow_id',
  'task_id',
  'task_type',
  'conversation_id',
  'environment',
  'prompt_version',
  'mcp_server',
  'labels',
  'settlement_kind',
  'settlement_id',
  'surface',
  'requested_model',
  'served_model',
  'provider',
  'channel_id',
  'route_type',
  'route_reason',
  'service_tier',
  'region',
  'streamed',
  'outcome',
  'error_class',
  'trace_id',
  'log_partition',
  'currency',
] as const;

const ATTEMPT_COLUMNS = [
  'attempt_id',
  'channel_id',
  'provider',
  'requested_model',
  'served_model',
  'service_tier',
  'region',
  'error_class',
  'upstream_request_id',
  'usage_reason',
  'usage_flags',
  'unpriced_reason',
  'list_unpriced_reason',
  'billable_unpriced_reason',
] as const;

const AMOUNT_COLUMNS = ['cost_usd', 'list_cost_usd', 'billable_usd', 'saved_usd'] as const;

const LINE_COLUMNS = [
  'attempt',
  'usage_class',
  'quantity',
  'unit_price_usd',
  'per_units',
  'amount_usd',
  'entry_id',
  'factor',
  'part_of',
  'price_version',
] as const;

const USAGE_COLUMNS = USAGE_CLASSES.map((name) => `attempts.${usageColumn(name)}`);

export const SELECTED = [
  'toString(event_id) AS id',
  `ifNull(toString(adjusts_event_id), '') AS adjusts`,
  'toUnixTimestamp64Milli(occurred_at) AS occurred_at_ms',
  'toUnixTimestamp64Milli(recorded_at) AS recorded_at_ms',
  ...EVENT_COLUMNS,
  ...ATTEMPT_COLUMNS.map((name) => `attempts.${name} AS attempt_${name}`),
  'arrayMap(at -> toUnixTimestamp64Milli(at), attempts.started_at) AS attempt_started_at_ms',
  ...AMOUNT_COLUMNS.map((name) => `attempts.${name} AS attempt_${name}`),
  'saved_usd AS saved',
  'billable_amount AS billed',
  'arrayZip(avoided.usage_class, avoided.quantity) AS avoided_usage',
  `arrayZip(${USAGE_COLUMNS.join(', ')}) AS attempt_usage`,
  `arrayZip(${LINE_COLUMNS.map((name) => `line_items.${name}`).join(', ')}) AS lines`,
].join(', ');

export type Row = Readonly<Record<Exclude<(typeof EVENT_COLUMNS)[number], 'labels' | 'streamed' | 'log_partition'>, string>> &
  Readonly<Record<`attempt_${Exclude<(typeof ATTEMPT_COLUMNS)[number], 'usage_flags'>}`, readonly string[]>> &
  Readonly<Record<`attempt_${(typeof AMOUNT_COLUMNS)[number]}`, readonly (string | null)[]>> & {
    readonly id: string;
    readonly adjusts: string;
    readonly occurred_at_ms: string;
    readonly recorded_at_ms: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly streamed: boolean;
    readonly log_partition: number;
    readonly attempt_usage_flags: readonly (readonly string[])[];
    readonly attempt_started_at_ms: readonly string[];
    readonly saved: string | null;
    readonly billed: string | null;
    readonly avoided_usage: readonly (readonly [UsageClass, string])[];
    readonly attempt_usage: readonly (readonly (string | null)[])[];
    readonly lines: readonly (readonly [number, string, string, string, string, string, string, string, string, string])[];
  };

/** The event that a row is of. A result names the request that it is of, and is an event of its own. */
export const EVENT_ID = "if(kind = 'rerate', ifNull(adjusts_event_id, event_id), event_id)";

/** What the slices of a selection are. Asks for counts alone. */
export async function planSlices(clickhouse: ClickHouse, selection: Selection, rowsMax: number): Promise<readonly Slice[]> {
  const rows = await clickhouse.query<{ readonly tenant_id: string; readonly hour_ms: string; readonly rows: string }>(
    `SELECT tenant_id, toUnixTimestamp(hour) * 1000 AS hour_ms, count() AS rows FROM usage_events
     WHERE ${conditions(selection)} GROUP BY tenant_id, hour ORDER BY tenant_id, hour`,
    { params: parameters(selection) },
  );
  const counts = rows.map((row): HourCount => ({ tenant: row.tenant_id, hourMs: Number(row.hour_ms), rows: Number(row.rows) }));
  return sliced(counts, selection, rowsMax);
}

/** Rows of a slice: all of an event, or none, and these behind each other with those of other events of the same tenant and moment. */
export async function readSlice(clickhouse: ClickHouse, selection: Selection, slice: Slice): Promise<Iterable<LedgerRow>> {
  const ofSlice = { ...selection, fromMs: slice.fromMs, toMs: slice.toMs, tenants: slice.tenants };
  // A correction is in the bucket of its event.
  const bucket = slice.buckets === 1 ? '' : `AND cityHash64(${EVENT_ID}) % {buckets:UInt64} = {bucket:UInt64}`;
  const rows = await clickhouse.queryLazily<Row>(
    `SELECT ${SELECTED} FROM usage_events WHERE ${conditions(ofSlice)} ${bucket} ORDER BY tenant_id, occurred_at`,
    { params: { ...parameters(ofSlice), buckets: slice.buckets, bucket: slice.bucket } },
  );
  return Iterator.from(rows).map(toLedgerRow);
}

/** Days of the selection whose raw rows have left, of any tenant of it: what they cost cannot be corrected any more. */
export async function retiredDays(clickhouse: ClickHouse, { fromMs, toMs, tenants }: Selection): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ readonly retired_day: string }>(
    `SELECT DISTINCT toString(day) AS retired_day FROM usage_sealed
     WHERE row_kind = 'sums' AND retired AND day >= toDate(fromUnixTimestamp64Milli({from:Int64}), 'UTC') AND day <= toDate(fromUnixTimestamp64Milli({last:Int64}), 'UTC')
       AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, tenant_id)) ORDER BY retired_day`,
    { params: { from: fromMs, last: toMs - 1, tenants } },
  );
  return rows.map((row) => row.retired_day);
}

function conditions({ tenants, models, providers }: Selection): string {
  return [
    'occurred_at >= fromUnixTimestamp64Milli({from:Int64}) AND occurred_at < fromUnixTimestamp64Milli({to:Int64})',
    `(kind IN ('usage', 'import') OR (kind = 'rerate' AND startsWith(source, '${RERATE_PREFIX}')))`,
    '(notEmpty(attempts.attempt_id) OR notEmpty(avoided.usage_class))',
    ...(tenants.length === 0 ? [] : ['tenant_id IN {tenants:Array(String)}']),
    ...(models.length === 0
      ? []
      : ['(hasAny(attempts.served_model, {models:Array(String)}) OR hasAny(attempts.requested_model, {models:Array(String)}))']),
    ...(providers.length === 0 ? [] : ['hasAny(attempts.provider, {providers:Array(String)})']),
  ].join(' AND ');
}

function parameters({ fromMs, toMs, tenants, models, providers }: Selection) {
  return { from: fromMs, to: toMs, tenants, models, providers };
}

export function toLedgerRow(row: Row): LedgerRow {
  const lines = Map.groupBy(row.lines, ([attempt]) => attempt);
  const attempts = row.attempt_attempt_id.map((_, index): RowAttempt => ({
    amounts: perAmount((name) => {
      const [amounts, reasons] = {
        list: [row.attempt_list_cost_usd, row.attempt_list_unpriced_reason] as const,
        cost: [row.attempt_cost_usd, row.attempt_unpriced_reason] as const,
        billable: [row.attempt_billable_usd, row.attempt_billable_unpriced_reason] as const,
      }[name];
      return { value: amountOrNull(amounts[index]), reason: reasons[index] as UnpricedReason };
    }),
    saved: amountOrNull(row.attempt_saved_usd[index]),
    lines: (lines.get(index + 1) ?? []).map(toLine),
  }));
  const saved = amountOrNull(row.saved);
  return {
    event: toEvent(row),
    partition: row.log_partition,
    attempts,
    // What is saved is of the attempts, and of answers that needed none.
    avoidedCost: saved === null ? null : attempts.reduce((rest, attempt) => rest - (attempt.saved ?? 0n), saved),
    currency: row.currency,
    billed: amountOrNull(row.billed),
  };
}

function toLine([
  ,
  usageClass,
  quantity,
  unitPrice,
  perUnits,
  amount,
  entryId,
  factor,
  partOf,
  priceVersion,
]: Row['lines'][number]): LineItem {
  return {
    usageClass: usageClass as ChargedClass,
    quantity: Number(quantity),
    unitPrice: amountOf(unitPrice),
    perUnits: Number(perUnits),
    amount: amountOf(amount),
    entryId,
    factor: amountOf(factor),
    partOf: partOf as LineParts,
    priceVersion,
  };
}

/** What rating and a correction need of it. What was measured is not read. */
function toEvent(row: Row): UsageEvent {
  return {
    eventId: row.id,
    requestId: row.request_id,
    source: '',
    sequence: 0,
    kind: row.kind as UsageEvent['kind'],
    adjustsEventId: row.adjusts,
    occurredAtMs: Number(row.occurred_at_ms),
    completedAtMs: null,
    recordedAtMs: Number(row.recorded_at_ms),
    timeToFirstByteMs: null,
    timeToFirstTokenMs: null,
    durationMs: null,
    overheadUs: null,
    attribution: {
      tenantId: row.tenant_id,
      projectId: row.project_id,
      ownerId: row.owner_id,
      team: row.team,
      userId: row.user_id,
      virtualKeyId: row.virtual_key_id,
      application: row.application,
      applicationVersion: row.application_version,
      feature: row.feature,
      workflowId: row.workflow_id,
      taskId: row.task_id,
      taskType: row.task_type,
      conversationId: row.conversation_id,
      environment: row.environment,
      promptVersion: row.prompt_version,
      mcpServer: row.mcp_server,
      labels: row.labels,
      settlementKind: row.settlement_kind as UsageEvent['attribution']['settlementKind'],
      settlementId: row.settlement_id,
    },
    surface: row.surface,
    requestedModel: row.requested_model,
    servedModel: row.served_model,
    provider: row.provider,
    channelId: row.channel_id,
    routeType: row.route_type as UsageEvent['routeType'],
    routeReason: row.route_reason,
    serviceTier: row.service_tier,
    region: row.region,
    streamed: row.streamed,
    outcome: row.outcome as UsageEvent['outcome'],
    httpStatus: null,
    errorClass: row.error_class,
    finishReason: '',
    upstreamRequestId: '',
    traceId: row.trace_id,
    attempts: row.attempt_attempt_id.map((attemptId, index) => toAttempt(row, attemptId, index)),
    counted: null,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes: null,
    responseBytes: null,
    avoidedUsage: row.avoided_usage.length === 0 ? null : { ...UNKNOWN_USAGE, ...toQuantities(row.avoided_usage) },
  };
}

function toAttempt(row: Row, attemptId: string, index: number): Attempt {
  const usageReason = row.attempt_usage_reason[index] as Attempt['usageReason'];
  return {
    attemptId,
    channelId: row.attempt_channel_id[index] ?? '',
    provider: row.attempt_provider[index] ?? '',
    requestedModel: row.attempt_requested_model[index] ?? '',
    servedModel: row.attempt_served_model[index] ?? '',
    serviceTier: row.attempt_service_tier[index] ?? '',
    region: row.attempt_region[index] ?? '',
    startedAtMs: Number(row.attempt_started_at_ms[index]),
    completedAtMs: null,
    timeToFirstByteMs: null,
    httpStatus: null,
    errorClass: row.attempt_error_class[index] ?? '',
    upstreamRequestId: row.attempt_upstream_request_id[index] ?? '',
    usage: usageReason === '' ? toUsage(row.attempt_usage[index] ?? []) : null,
    usageSource: 'none',
    usageBasis: '',
    usageReason,
    usageFlags: row.attempt_usage_flags[index] ?? [],
    rawUsage: '',
  };
}

function toUsage(quantities: readonly (string | null)[]): Usage {
  const usage: Partial<Record<UsageClass, number | null>> = {};
  for (const [index, name] of USAGE_CLASSES.entries()) {
    const quantity = quantities[index] ?? null;
    usage[name] = quantity === null ? null : Number(quantity);
  }
  return usage as Usage;
}

function toQuantities(quantities: Row['avoided_usage']): Partial<Usage> {
  return Object.fromEntries(quantities.map(([name, quantity]) => [name, Number(quantity)]));
}

function amountOrNull(text: string | null | undefined): PicoUsd | null {
  return text === null || text === undefined ? null : amountOf(text);
}

function amountOf(text: string): PicoUsd {
  const amount = parseUsd(text);
  invariant(!isRejected(amount), `${text} is an amount of the ledger`);
  return amount;
}
