/** Which attributes the spans carry and which columns of the ledger they come from: one list that code, page and test share. Pure.
 *
 *  Names are those of the OpenTelemetry conventions for HTTP and generative AI; what they have no name for is `tokenledger.` and the column's name.
 *  Never content: no prompt, no answer, no credential, and nothing that only hashes one. */
import {
  type Attempt,
  INPUT_CLASSES,
  inputTokens,
  OUTPUT_CLASSES,
  outputTokens,
  type Usage,
  type UsageClass,
  type UsageEvent,
  usageColumn,
} from '@tokenledger/domain';
import type { SurfaceTraits } from './surface-traits.ts';

export type AttributeValue = string | number | boolean | readonly string[];

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** What a span of an attempt is made from. */
export interface AttemptView {
  readonly event: UsageEvent;
  readonly attempt: Attempt;
  /** From 0. */
  readonly index: number;
  readonly traits: SurfaceTraits;
  /** Undefined when it is not known where it went. */
  readonly server: ServerAddress | undefined;
}

export interface RequestView {
  readonly event: UsageEvent;
  readonly traits: SurfaceTraits;
}

export interface AttributeMapping<View> {
  readonly attribute: string;
  /** Columns of `usage_events` that it comes from. */
  readonly columns: readonly string[];
  /** Null, `''` and an empty list are left out of the span. */
  readonly read: (view: View) => AttributeValue | null;
}

const MS_PER_SECOND = 1000;

const own = (column: string, read: (event: UsageEvent) => AttributeValue | null): AttributeMapping<RequestView> => ({
  attribute: `tokenledger.${column}`,
  columns: [column],
  read: ({ event }) => read(event),
});

export const REQUEST_ATTRIBUTES: readonly AttributeMapping<RequestView>[] = [
  { attribute: 'http.request.method', columns: ['surface'], read: ({ traits }) => traits.method },
  { attribute: 'http.route', columns: ['surface'], read: ({ traits }) => traits.route },
  { attribute: 'http.response.status_code', columns: ['http_status'], read: ({ event }) => event.httpStatus },
  { attribute: 'http.request.body.size', columns: ['request_bytes'], read: ({ event }) => event.requestBytes },
  { attribute: 'http.response.body.size', columns: ['response_bytes'], read: ({ event }) => event.responseBytes },
  {
    attribute: 'error.type',
    columns: ['error_class', 'http_status'],
    read: ({ event }) => event.errorClass || (isServerError(event.httpStatus) ? String(event.httpStatus) : null),
  },
  own('request_id', (event) => event.requestId),
  own('surface', (event) => event.surface),
  own('outcome', (event) => event.outcome),
  own('route_type', (event) => event.routeType),
  own('route_reason', (event) => event.routeReason),
  own('tenant_id', ({ attribution }) => attribution.tenantId),
  own('project_id', ({ attribution }) => attribution.projectId),
  own('owner_id', ({ attribution }) => attribution.ownerId),
  own('team', ({ attribution }) => attribution.team),
  own('virtual_key_id', ({ attribution }) => attribution.virtualKeyId),
  own('application', ({ attribution }) => attribution.application),
  own('application_version', ({ attribution }) => attribution.applicationVersion),
  own('feature', ({ attribution }) => attribution.feature),
  own('workflow_id', ({ attribution }) => attribution.workflowId),
  own('task_id', ({ attribution }) => attribution.taskId),
  own('task_type', ({ attribution }) => attribution.taskType),
  own('environment', ({ attribution }) => attribution.environment),
  own('prompt_version', ({ attribution }) => attribution.promptVersion),
  own('mcp_server', ({ attribution }) => attribution.mcpServer),
  own('settlement_kind', ({ attribution }) => attribution.settlementKind),
  own('settlement_id', ({ attribution }) => attribution.settlementId),
  own('overhead_us', (event) => event.overheadUs),
  own('time_to_first_byte_ms', (event) => event.timeToFirstByteMs),
  own('time_to_first_token_ms', (event) => event.timeToFirstTokenMs),
];

function columnsOf(classes: readonly UsageClass[]): readonly string[] {
  return classes.map((name) => `attempts.${usageColumn(name)}`);
}

/** Tokens of the named classes together; null when none of them is known. */
function tokens(attribute: string, ...classes: readonly UsageClass[]): AttributeMapping<AttemptView> {
  return {
    attribute: `gen_ai.usage.${attribute}`,
    columns: columnsOf(classes),
    read: ({ attempt }) => (attempt.usage === null ? null : sumOf(attempt.usage, classes)),
  };
}

const ownOfAttempt = (column: string, read: (attempt: Attempt) => AttributeValue | null): AttributeMapping<AttemptView> => ({
  attribute: `tokenledger.${column}`,
  columns: [`attempts.${column}`],
  read: ({ attempt }) => read(attempt),
});

export const ATTEMPT_ATTRIBUTES: readonly AttributeMapping<AttemptView>[] = [
  { attribute: 'gen_ai.operation.name', columns: ['surface'], read: ({ traits }) => traits.operation },
  { attribute: 'gen_ai.provider.name', columns: ['attempts.provider'], read: ({ attempt }) => attempt.provider },
  { attribute: 'gen_ai.request.model', columns: ['attempts.requested_model'], read: ({ attempt }) => attempt.requestedModel },
  { attribute: 'gen_ai.request.stream', columns: ['streamed'], read: ({ event }) => (event.streamed ? true : null) },
  { attribute: 'gen_ai.conversation.id', columns: ['conversation_id'], read: ({ event }) => event.attribution.conversationId },
  { attribute: 'gen_ai.response.model', columns: ['attempts.served_model'], read: ({ attempt }) => attempt.servedModel },
  {
    attribute: 'gen_ai.response.finish_reasons',
    columns: ['finish_reason'],
    read: (view) => (isLast(view) && view.event.finishReason !== '' ? [view.event.finishReason] : null),
  },
  {
    attribute: 'gen_ai.response.time_to_first_chunk',
    columns: ['time_to_first_token_ms', 'attempts.started_at'],
    read: secondsToFirstChunk,
  },
  {
    attribute: 'gen_ai.usage.input_tokens',
    columns: columnsOf(INPUT_CLASSES),
    read: ({ attempt }) => (attempt.usage === null ? null : inputTokens(attempt.usage)),
  },
  {
    attribute: 'gen_ai.usage.output_tokens',
    columns: columnsOf(OUTPUT_CLASSES),
    read: ({ attempt }) => (attempt.usage === null ? null : outputTokens(attempt.usage)),
  },
  tokens('cache_read.input_tokens', 'cache_read', 'cached_audio'),
  tokens('cache_write.input_tokens', 'cache_write_5m', 'cache_write_1h'),
  tokens('reasoning.output_tokens', 'reasoning'),
  tokens('audio.input_tokens', 'input_audio', 'cached_audio'),
  tokens('audio.cache_read.input_tokens', 'cached_audio'),
  tokens('audio.output_tokens', 'output_audio'),
  tokens('image.input_tokens', 'input_image'),
  tokens('image.output_tokens', 'output_image'),
  {
    attribute: 'openai.response.service_tier',
    columns: ['attempts.service_tier'],
    read: ({ attempt }) => (attempt.provider === 'openai' ? attempt.serviceTier : null),
  },
  { attribute: 'server.address', columns: ['attempts.channel_id'], read: ({ server }) => server?.host ?? null },
  { attribute: 'server.port', columns: ['attempts.channel_id'], read: ({ server }) => server?.port ?? null },
  { attribute: 'http.request.method', columns: ['surface'], read: ({ traits }) => traits.method },
  { attribute: 'http.response.status_code', columns: ['attempts.http_status'], read: ({ attempt }) => attempt.httpStatus },
  { attribute: 'http.request.resend_count', columns: ['attempts.attempt_id'], read: ({ index }) => (index === 0 ? null : index) },
  {
    attribute: 'error.type',
    columns: ['attempts.error_class', 'attempts.http_status'],
    read: ({ attempt }) => attempt.errorClass || (isError(attempt.httpStatus) ? String(attempt.httpStatus) : null),
  },
  ownOfAttempt('attempt_id', (attempt) => attempt.attemptId),
  ownOfAttempt('channel_id', (attempt) => attempt.channelId),
  ownOfAttempt('service_tier', (attempt) => attempt.serviceTier),
  ownOfAttempt('region', (attempt) => attempt.region),
  ownOfAttempt('upstream_request_id', (attempt) => attempt.upstreamRequestId),
  ownOfAttempt('usage_source', (attempt) => attempt.usageSource),
  ownOfAttempt('usage_basis', (attempt) => attempt.usageBasis),
  ownOfAttempt('usage_reason', (attempt) => attempt.usageReason),
  ownOfAttempt('usage_flags', (attempt) => attempt.usageFlags),
];

/** The attributes of a span: those that have a value. */
export function attributesOf<View>(mappings: readonly AttributeMapping<View>[], view: View): Readonly<Record<string, AttributeValue>> {
  const attributes: Record<string, AttributeValue> = {};
  for (const { attribute, read } of mappings) {
    const value = read(view);
    if (value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)) attributes[attribute] = value;
  }
  return attributes;
}

/** Of an answer to us: its client errors are ours. */
export function isError(httpStatus: number | null): boolean {
  return httpStatus !== null && httpStatus >= 400;
}

/** Of an answer of ours: client errors are the client's. */
export function isServerError(httpStatus: number | null): boolean {
  return httpStatus !== null && httpStatus >= 500;
}

function isLast({ event, index }: AttemptView): boolean {
  return index === event.attempts.length - 1;
}

/** Of a stream, from the attempt's start; the event counts from the request's. */
function secondsToFirstChunk(view: AttemptView): number | null {
  const { event, attempt } = view;
  if (!event.streamed || !isLast(view) || event.timeToFirstTokenMs === null) return null;
  return Math.max(0, event.occurredAtMs + event.timeToFirstTokenMs - attempt.startedAtMs) / MS_PER_SECOND;
}

function sumOf(usage: Usage, classes: readonly UsageClass[]): number | null {
  let sum: number | null = null;
  for (const name of classes) {
    const quantity = usage[name];
    if (quantity !== null) sum = (sum ?? 0) + quantity;
  }
  return sum;
}
