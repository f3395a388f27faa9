/** The codec of `UsageEvent`. The record is flat: attribution's fields stand beside the others, as they do in ClickHouse.
 *
 *  What is a union of words in TypeScript is a string in Avro, so that a reader of an older version does not fail on a new word:
 *  whether the words are known is asked by `checkUsageEvent`, where an event is accepted. */
import type { EventKind, Outcome, RouteType, Usage, UsageEvent } from '@tokenledger/domain';
import { attemptFromRow, attemptRow, type AttemptRow, countedFromRow, countedRow, type CountedRow } from './attempt-row.ts';
import { ATTRIBUTION_SPAN, attributionFromRow, attributionRow, type AttributionRow } from './attribution-row.ts';
import { recordCodec } from './record-codec.ts';
import { loadVersions } from './schema-versions.ts';

/** Everything but attribution. */
interface OwnRow {
  readonly event_id: string;
  readonly request_id: string;
  readonly source: string;
  readonly sequence: number;
  readonly kind: EventKind;
  readonly adjusts_event_id: string;
  readonly occurred_at_ms: number;
  readonly completed_at_ms: number | null;
  readonly recorded_at_ms: number;
  readonly time_to_first_byte_ms: number | null;
  readonly time_to_first_token_ms: number | null;
  readonly duration_ms: number | null;
  readonly overhead_us: number | null;
  readonly surface: string;
  readonly requested_model: string;
  readonly served_model: string;
  readonly provider: string;
  readonly channel_id: string;
  readonly route_type: RouteType;
  readonly route_reason: string;
  readonly service_tier: string;
  readonly region: string;
  readonly streamed: boolean;
  readonly outcome: Outcome;
  readonly http_status: number | null;
  readonly error_class: string;
  readonly finish_reason: string;
  readonly upstream_request_id: string;
  readonly trace_id: string;
  readonly attempts: readonly AttemptRow[];
  readonly counted: CountedRow | null;
  readonly prompt_fingerprint: string;
  readonly last_tool_fingerprint: string;
  readonly request_bytes: number | null;
  readonly response_bytes: number | null;
  readonly avoided_usage: Usage | null;
}

export type UsageEventRow = OwnRow & AttributionRow;

export function usageEventRow(event: UsageEvent): UsageEventRow {
  return { ...ownRow(event), ...attributionRow(event.attribution) };
}

function ownRow(event: UsageEvent): OwnRow {
  return {
    event_id: event.eventId,
    request_id: event.requestId,
    source: event.source,
    sequence: event.sequence,
    kind: event.kind,
    adjusts_event_id: event.adjustsEventId,
    occurred_at_ms: event.occurredAtMs,
    completed_at_ms: event.completedAtMs,
    recorded_at_ms: event.recordedAtMs,
    time_to_first_byte_ms: event.timeToFirstByteMs,
    time_to_first_token_ms: event.timeToFirstTokenMs,
    duration_ms: event.durationMs,
    overhead_us: event.overheadUs,
    surface: event.surface,
    requested_model: event.requestedModel,
    served_model: event.servedModel,
    provider: event.provider,
    channel_id: event.channelId,
    route_type: event.routeType,
    route_reason: event.routeReason,
    service_tier: event.serviceTier,
    region: event.region,
    streamed: event.streamed,
    outcome: event.outcome,
    http_status: event.httpStatus,
    error_class: event.errorClass,
    finish_reason: event.finishReason,
    upstream_request_id: event.upstreamRequestId,
    trace_id: event.traceId,
    attempts: event.attempts.map(attemptRow),
    counted: event.counted === null ? null : countedRow(event.counted),
    prompt_fingerprint: event.promptFingerprint,
    last_tool_fingerprint: event.lastToolFingerprint,
    request_bytes: event.requestBytes,
    response_bytes: event.responseBytes,
    avoided_usage: event.avoidedUsage,
  };
}

export function usageEventFromRow(row: UsageEventRow): UsageEvent {
  return {
    eventId: row.event_id,
    requestId: row.request_id,
    source: row.source,
    sequence: row.sequence,
    kind: row.kind,
    adjustsEventId: row.adjusts_event_id,
    occurredAtMs: row.occurred_at_ms,
    completedAtMs: row.completed_at_ms,
    recordedAtMs: row.recorded_at_ms,
    timeToFirstByteMs: row.time_to_first_byte_ms,
    timeToFirstTokenMs: row.time_to_first_token_ms,
    durationMs: row.duration_ms,
    overheadUs: row.overhead_us,
    attribution: attributionFromRow(row),
    surface: row.surface,
    requestedModel: row.requested_model,
    servedModel: row.served_model,
    provider: row.provider,
    channelId: row.channel_id,
    routeType: row.route_type,
    routeReason: row.route_reason,
    serviceTier: row.service_tier,
    region: row.region,
    streamed: row.streamed,
    outcome: row.outcome,
    httpStatus: row.http_status,
    errorClass: row.error_class,
    finishReason: row.finish_reason,
    upstreamRequestId: row.upstream_request_id,
    traceId: row.trace_id,
    attempts: row.attempts.map(attemptFromRow),
    counted: row.counted === null ? null : countedFromRow(row.counted),
    promptFingerprint: row.prompt_fingerprint,
    lastToolFingerprint: row.last_tool_fingerprint,
    requestBytes: row.request_bytes,
    responseBytes: row.response_bytes,
    avoidedUsage: row.avoided_usage,
  };
}

export const usageEventCodec = recordCodec<UsageEvent, UsageEventRow>({
  versions: loadVersions('UsageEvent'),
  shared: { ...ATTRIBUTION_SPAN, of: ({ attribution }) => attribution, toRow: ({ attribution }) => attributionRow(attribution) },
  toRow: ownRow,
  fromRow: usageEventFromRow,
});
