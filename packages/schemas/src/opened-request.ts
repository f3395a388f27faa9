/** The codec of `OpenedRequest`: what the journal of an ingress holds of a request while nobody knows its end. It never goes to a topic. */
import { type Attribution, isRejected, type Rejected } from '@tokenledger/domain';
import { ATTRIBUTION_SPAN, attributionFromRow, attributionRow, type AttributionRow } from './attribution-row.ts';
import { frameReader } from './framing.ts';
import { recordCodec } from './record-codec.ts';
import { loadVersions } from './schema-versions.ts';

/** A request as it is about to be forwarded. Clock times in milliseconds since the epoch. */
export interface OpenedRequest {
  /** Also the request's id. */
  readonly eventId: string;
  readonly occurredAtMs: number;
  readonly attribution: Attribution;
  readonly surface: string;
  readonly requestedModel: string;
  readonly streamed: boolean;
  readonly traceId: string;
  readonly promptFingerprint: string;
  readonly lastToolFingerprint: string;
  readonly requestBytes: number | null;
  readonly holdsMedia: boolean;
  readonly overheadUs: number | null;
  readonly attemptId: string;
  readonly provider: string;
  readonly channelId: string;
  readonly routeReason: string;
  readonly region: string;
  readonly attemptStartedAtMs: number;
}

interface OwnRow {
  readonly event_id: string;
  readonly occurred_at_ms: number;
  readonly surface: string;
  readonly requested_model: string;
  readonly streamed: boolean;
  readonly trace_id: string;
  readonly prompt_fingerprint: string;
  readonly last_tool_fingerprint: string;
  readonly request_bytes: number | null;
  readonly holds_media: boolean;
  readonly overhead_us: number | null;
  readonly attempt_id: string;
  readonly provider: string;
  readonly channel_id: string;
  readonly route_reason: string;
  readonly region: string;
  readonly attempt_started_at_ms: number;
}

const codec = recordCodec<OpenedRequest, OwnRow & AttributionRow>({
  versions: loadVersions('OpenedRequest'),
  shared: { ...ATTRIBUTION_SPAN, of: ({ attribution }) => attribution, toRow: ({ attribution }) => attributionRow(attribution) },
  toRow: (opened): OwnRow => ({
    event_id: opened.eventId,
    occurred_at_ms: opened.occurredAtMs,
    surface: opened.surface,
    requested_model: opened.requestedModel,
    streamed: opened.streamed,
    trace_id: opened.traceId,
    prompt_fingerprint: opened.promptFingerprint,
    last_tool_fingerprint: opened.lastToolFingerprint,
    request_bytes: opened.requestBytes,
    holds_media: opened.holdsMedia,
    overhead_us: opened.overheadUs,
    attempt_id: opened.attemptId,
    provider: opened.provider,
    channel_id: opened.channelId,
    route_reason: opened.routeReason,
    region: opened.region,
    attempt_started_at_ms: opened.attemptStartedAtMs,
  }),
  fromRow: (row) => ({
    eventId: row.event_id,
    occurredAtMs: row.occurred_at_ms,
    attribution: attributionFromRow(row),
    surface: row.surface,
    requestedModel: row.requested_model,
    streamed: row.streamed,
    traceId: row.trace_id,
    promptFingerprint: row.prompt_fingerprint,
    lastToolFingerprint: row.last_tool_fingerprint,
    requestBytes: row.request_bytes,
    holdsMedia: row.holds_media,
    overheadUs: row.overhead_us,
    attemptId: row.attempt_id,
    provider: row.provider,
    channelId: row.channel_id,
    routeReason: row.route_reason,
    region: row.region,
    attemptStartedAtMs: row.attempt_started_at_ms,
  }),
});

/** Throws on what does not fit the schema: that is a defect of whoever built it. */
export function encodeOpenedRequest(opened: OpenedRequest): Buffer {
  return codec.encode(opened);
}

const read = frameReader(codec.readers);

/** Undefined for the bytes of anything else; never throws. */
export function decodeOpenedRequest(bytes: Uint8Array): OpenedRequest | undefined {
  const opened: OpenedRequest | Rejected = read(bytes);
  return isRejected(opened) ? undefined : opened;
}
