/** Events as a block for ClickHouse: every column of `usage_events` that is inserted, and where its value comes from. */
import {
  decimalColumn,
  boolColumn,
  int64Column,
  listColumn,
  lowCardinalityColumn,
  type NativeBlock,
  NIL_UUID,
  nullableColumn,
  textColumn,
  textMapColumn,
  timeColumn,
  uint16Column,
  uint32Column,
  uint64Column,
  uuidColumn,
} from '@tokenledger/clickhouse';
import {
  type Attempt,
  type AttemptRating,
  type Attribution,
  type LineItem,
  type PricedEvent,
  USAGE_CLASSES,
  usageColumn,
  type UsageClass,
  type UsageEvent,
} from '@tokenledger/domain';
import { agreedColumns } from './agreed-columns.ts';
import type { RowOwner } from './core/row.ts';
import { type EventSums, sumAttempts } from './core/sums.ts';

/** Made to be used again: what it grew to for one batch, it has for the next. */
export interface EventBlock {
  /** As they are now: those that every row leaves to the defaults of the table are not among them. */
  readonly columns: NativeBlock;
  /** `priced` must be acceptable (see `core/acceptable.ts`): the columns take what they are given, and ClickHouse refuses a whole block for one bad value. */
  append(priced: PricedEvent, owner: RowOwner): void;
  clear(): void;
}

const CLASS_COLUMNS: readonly (readonly [UsageClass, column: string])[] = USAGE_CLASSES.map((name) => [name, usageColumn(name)]);

const integerOrNull = () => nullableColumn(int64Column(), 0);
const statusOrNull = () => nullableColumn(uint16Column(), 0);
const timeOrNull = () => nullableColumn(timeColumn(), 0);
const money = () => decimalColumn(38, 12);
const moneyOrNull = () => nullableColumn(money(), 0n);

export function eventBlock(): EventBlock {
  const facts = factColumns();
  const usage = CLASS_COLUMNS.map(([name, column]) => ({ name, column, values: integerOrNull() }));
  const totals = totalColumns();
  const lines = lineItemColumns();
  const attempts = attemptColumns();
  const agreed = agreedColumns();
  const columns = {
    ...facts.columns,
    ...Object.fromEntries(usage.map(({ column, values }) => [column, values])),
    ...totals.columns,
    ...prefixed('line_items', lines.columns),
    ...prefixed('attempts', attempts.columns),
  };
  return {
    get columns() {
      return { ...columns, ...agreed.columns() };
    },
    append(priced, owner) {
      const { event, ratings } = priced;
      const sums = sumAttempts(priced);
      facts.append(event, event.attribution, owner);
      for (const { name, values } of usage) values.append(sums.usage[name]);
      totals.append(priced, sums);
      for (const [index, { lineItems }] of ratings.entries()) for (const item of lineItems) lines.append(index + 1, item);
      lines.endRow();
      for (const [index, attempt] of event.attempts.entries()) attempts.append(attempt, ratings[index] as AttemptRating);
      attempts.endRow();
      agreed.append(priced, sums);
    },
    clear() {
      for (const column of Object.values(columns)) column.clear();
      agreed.clear();
    },
  };
}

function prefixed(prefix: string, columns: NativeBlock): NativeBlock {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [`${prefix}.${name}`, column]));
}

/** What is taken from the event as it stands. */
function factColumns() {
  const columns = {
    event_id: uuidColumn(),
    request_id: textColumn(),
    source: lowCardinalityColumn(),
    sequence: uint64Column(),
    log_topic: lowCardinalityColumn(),
    log_partition: uint32Column(),
    epoch: uint64Column(),
    kind: lowCardinalityColumn(),
    adjusts_event_id: nullableColumn(uuidColumn(), NIL_UUID),
    occurred_at: timeColumn(),
    completed_at: timeOrNull(),
    recorded_at: timeColumn(),
    time_to_first_byte_ms: integerOrNull(),
    time_to_first_token_ms: integerOrNull(),
    duration_ms: integerOrNull(),
    overhead_us: integerOrNull(),
    tenant_id: lowCardinalityColumn(),
    project_id: lowCardinalityColumn(),
    owner_id: lowCardinalityColumn(),
    team: lowCardinalityColumn(),
    user_id: textColumn(),
    virtual_key_id: lowCardinalityColumn(),
    application: lowCardinalityColumn(),
    application_version: lowCardinalityColumn(),
    feature: lowCardinalityColumn(),
    workflow_id: textColumn(),
    task_id: textColumn(),
    task_type: lowCardinalityColumn(),
    conversation_id: textColumn(),
    environment: lowCardinalityColumn(),
    prompt_version: lowCardinalityColumn(),
    mcp_server: lowCardinalityColumn(),
    labels: textMapColumn(),
    settlement_kind: lowCardinalityColumn(),
    settlement_id: lowCardinalityColumn(),
    surface: lowCardinalityColumn(),
    requested_model: lowCardinalityColumn(),
    served_model: lowCardinalityColumn(),
    provider: lowCardinalityColumn(),
    channel_id: lowCardinalityColumn(),
    route_type: lowCardinalityColumn(),
    route_reason: lowCardinalityColumn(),
    service_tier: lowCardinalityColumn(),
    region: lowCardinalityColumn(),
    streamed: boolColumn(),
    outcome: lowCardinalityColumn(),
    http_status: statusOrNull(),
    error_class: lowCardinalityColumn(),
    finish_reason: lowCardinalityColumn(),
    upstream_request_id: textColumn(),
    trace_id: textColumn(),
    counted_input_tokens: integerOrNull(),
    counted_output_tokens: integerOrNull(),
    counted_tokenizer: lowCardinalityColumn(),
    counted_method: lowCardinalityColumn(),
    counted_reason: lowCardinalityColumn(),
    prompt_fingerprint: textColumn(),
    last_tool_fingerprint: textColumn(),
    request_bytes: integerOrNull(),
    response_bytes: integerOrNull(),
  };
  return {
    columns,
    append(event: UsageEvent, who: Attribution, owner: RowOwner): void {
      columns.event_id.append(event.eventId);
      columns.request_id.append(event.requestId);
      columns.source.append(event.source);
      columns.sequence.append(event.sequence);
      columns.log_topic.append(owner.topic);
      columns.log_partition.append(owner.partition);
      columns.epoch.append(owner.epoch);
      columns.kind.append(event.kind);
      columns.adjusts_event_id.append(event.adjustsEventId === '' ? null : event.adjustsEventId);
      columns.occurred_at.append(event.occurredAtMs);
      columns.completed_at.append(event.completedAtMs);
      columns.recorded_at.append(event.recordedAtMs);
      columns.time_to_first_byte_ms.append(event.timeToFirstByteMs);
      columns.time_to_first_token_ms.append(event.timeToFirstTokenMs);
      columns.duration_ms.append(event.durationMs);
      columns.overhead_us.append(event.overheadUs);
      columns.tenant_id.append(who.tenantId);
      columns.project_id.append(who.projectId);
      columns.owner_id.append(who.ownerId);
      columns.team.append(who.team);
      columns.user_id.append(who.userId);
      columns.virtual_key_id.append(who.virtualKeyId);
      columns.application.append(who.application);
      columns.application_version.append(who.applicationVersion);
      columns.feature.append(who.feature);
      columns.workflow_id.append(who.workflowId);
      columns.task_id.append(who.taskId);
      columns.task_type.append(who.taskType);
      columns.conversation_id.append(who.conversationId);
      columns.environment.append(who.environment);
      columns.prompt_version.append(who.promptVersion);
      columns.mcp_server.append(who.mcpServer);
      columns.labels.append(who.labels);
      columns.settlement_kind.append(who.settlementKind);
      columns.settlement_id.append(who.settlementId);
      columns.surface.append(event.surface);
      columns.requested_model.append(event.requestedModel);
      columns.served_model.append(event.servedModel);
      columns.provider.append(event.provider);
      columns.channel_id.append(event.channelId);
      columns.route_type.append(event.routeType);
      columns.route_reason.append(event.routeReason);
      columns.service_tier.append(event.serviceTier);
      columns.region.append(event.region);
      columns.streamed.append(event.streamed ? 1 : 0);
      columns.outcome.append(event.outcome);
      columns.http_status.append(event.httpStatus);
      columns.error_class.append(event.errorClass);
      columns.finish_reason.append(event.finishReason);
      columns.upstream_request_id.append(event.upstreamRequestId);
      columns.trace_id.append(event.traceId);
      columns.counted_input_tokens.append(event.counted?.inputTokens ?? null);
      columns.counted_output_tokens.append(event.counted?.outputTokens ?? null);
      columns.counted_tokenizer.append(event.counted?.tokenizer ?? '');
      columns.counted_method.append(event.counted?.method ?? '');
      columns.counted_reason.append(event.counted?.reason ?? 'not_counted');
      columns.prompt_fingerprint.append(event.promptFingerprint);
      columns.last_tool_fingerprint.append(event.lastToolFingerprint);
      columns.request_bytes.append(event.requestBytes);
      columns.response_bytes.append(event.responseBytes);
    },
  };
}

/** What is summed over the attempts, beside the usage itself. */
function totalColumns() {
  const usageFlags = listColumn(lowCardinalityColumn());
  const columns = {
    usage_reason: lowCardinalityColumn(),
    usage_source: lowCardinalityColumn(),
    usage_basis: lowCardinalityColumn(),
    usage_flags: usageFlags,
    attempts_usage_unknown: uint32Column(),
    cost_usd: moneyOrNull(),
    saved_usd: moneyOrNull(),
    price_version: lowCardinalityColumn(),
    unpriced_reason: lowCardinalityColumn(),
    attempts_unpriced: int64Column(),
  };
  return {
    columns,
    append({ priceVersion }: PricedEvent, sums: EventSums): void {
      columns.usage_reason.append(sums.usageReason);
      columns.usage_source.append(sums.usageSource);
      columns.usage_basis.append(sums.usageBasis);
      columns.usage_flags.append(sums.usageFlags);
      columns.attempts_usage_unknown.append(sums.attemptsUsageUnknown);
      columns.cost_usd.append(sums.cost);
      columns.saved_usd.append(sums.saved);
      columns.price_version.append(priceVersion);
      columns.unpriced_reason.append(sums.unpricedReason);
      columns.attempts_unpriced.append(sums.attemptsUnpriced);
    },
  };
}

function lineItemColumns() {
  const columns = {
    attempt: listColumn(uint16Column()),
    usage_class: listColumn(lowCardinalityColumn()),
    quantity: listColumn(int64Column()),
    unit_price_usd: listColumn(money()),
    per_units: listColumn(int64Column()),
    amount_usd: listColumn(money()),
    entry_id: listColumn(lowCardinalityColumn()),
  };
  const lists = Object.values(columns);
  return {
    columns,
    /** `attempt`: the one that is charged, from 1. */
    append(attempt: number, item: LineItem): void {
      columns.attempt.items.append(attempt);
      columns.usage_class.items.append(item.usageClass);
      columns.quantity.items.append(item.quantity);
      columns.unit_price_usd.items.append(item.unitPrice);
      columns.per_units.items.append(item.perUnits);
      columns.amount_usd.items.append(item.amount);
      columns.entry_id.items.append(item.entryId);
    },
    endRow(): void {
      for (const list of lists) list.endList();
    },
  };
}

function attemptColumns() {
  const columns = {
    attempt_id: listColumn(textColumn()),
    channel_id: listColumn(lowCardinalityColumn()),
    provider: listColumn(lowCardinalityColumn()),
    requested_model: listColumn(lowCardinalityColumn()),
    served_model: listColumn(lowCardinalityColumn()),
    service_tier: listColumn(lowCardinalityColumn()),
    region: listColumn(lowCardinalityColumn()),
    started_at: listColumn(timeColumn()),
    completed_at: listColumn(timeOrNull()),
    time_to_first_byte_ms: listColumn(integerOrNull()),
    http_status: listColumn(statusOrNull()),
    error_class: listColumn(lowCardinalityColumn()),
    upstream_request_id: listColumn(textColumn()),
    usage_source: listColumn(lowCardinalityColumn()),
    usage_basis: listColumn(lowCardinalityColumn()),
    usage_reason: listColumn(lowCardinalityColumn()),
    usage_flags: listColumn(listColumn(lowCardinalityColumn())),
    raw_usage: listColumn(textColumn()),
    cost_usd: listColumn(moneyOrNull()),
    saved_usd: listColumn(moneyOrNull()),
    unpriced_reason: listColumn(lowCardinalityColumn()),
  };
  const usage = CLASS_COLUMNS.map(([name, column]) => ({ name, column, values: listColumn(integerOrNull()) }));
  const lists = [...Object.values(columns), ...usage.map(({ values }) => values)];
  return {
    columns: { ...columns, ...Object.fromEntries(usage.map(({ column, values }) => [column, values])) },
    append(attempt: Attempt, rating: AttemptRating): void {
      columns.attempt_id.items.append(attempt.attemptId);
      columns.channel_id.items.append(attempt.channelId);
      columns.provider.items.append(attempt.provider);
      columns.requested_model.items.append(attempt.requestedModel);
      columns.served_model.items.append(attempt.servedModel);
      columns.service_tier.items.append(attempt.serviceTier);
      columns.region.items.append(attempt.region);
      columns.started_at.items.append(attempt.startedAtMs);
      columns.completed_at.items.append(attempt.completedAtMs);
      columns.time_to_first_byte_ms.items.append(attempt.timeToFirstByteMs);
      columns.http_status.items.append(attempt.httpStatus);
      columns.error_class.items.append(attempt.errorClass);
      columns.upstream_request_id.items.append(attempt.upstreamRequestId);
      for (const { name, values } of usage) values.items.append(attempt.usage?.[name] ?? null);
      columns.usage_source.items.append(attempt.usageSource);
      columns.usage_basis.items.append(attempt.usageBasis);
      columns.usage_reason.items.append(attempt.usageReason);
      columns.usage_flags.items.append(attempt.usageFlags);
      columns.raw_usage.items.append(attempt.rawUsage);
      columns.cost_usd.items.append(rating.cost);
      columns.saved_usd.items.append(rating.saved);
      columns.unpriced_reason.items.append(rating.unpricedReason);
    },
    endRow(): void {
      for (const list of lists) list.endList();
    },
  };
}
