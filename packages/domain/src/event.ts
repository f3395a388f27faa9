/** The billable event: one immutable usage fact per request. Absent text is `''`; an unknown quantity is `null`. */
import type { Usage } from './usage.ts';

export type EventKind = 'usage' | 'rerate' | 'reconciliation' | 'import';

export type Outcome =
  | 'ok'
  | 'client_aborted'
  | 'upstream_error'
  | 'timed_out'
  | 'refused_policy'
  | 'refused_limit'
  | 'refused_budget'
  | 'refused_invalid'
  | 'refused_too_large'
  | 'refused_unavailable'
  | 'cache_hit'
  | 'unresolved';

export type RouteType = 'direct' | 'backup' | 'cheaper_pool' | 'cache' | '';
export type UsageSource = 'reported' | 'counted' | 'estimated' | 'none';
/** What an estimate was made from. `''` exactly when usage is no estimate. */
export type UsageBasis =
  | ''
  /** The request alone: nothing is known of the answer. */
  | 'request_bytes'
  /** The request, and the content of the answer as far as it was seen. */
  | 'answer_bytes'
  /** As `answer_bytes`, as far as it was seen when that was last recorded: the answer went on, and the process died. */
  | 'progress';

export type SettlementKind = 'credits' | 'wallet' | 'cost_center' | '';

/** Why usage is null. `''` exactly when usage is known. */
export type UsageReason =
  | ''
  | 'not_reported'
  | 'not_forwarded'
  | 'upstream_error'
  | 'client_aborted'
  | 'cut_off'
  /** The provider states it under an id of its own, once: it is an event of kind `import`, and an open item until that was seen. */
  | 'reported_later'
  | 'invalid_usage'
  | 'answer_too_large'
  /** An event, a line or a message of a stream is over its bound. */
  | 'line_too_long'
  | 'undecodable_answer'
  /** Passed through unread: the channel speaks no surface that the path is of. */
  | 'surface_unknown'
  /** The process died before the end of the answer was recorded. */
  | 'unresolved'
  /** The journal could not supply the event's bytes any more. */
  | 'journal_lost'
  /** A correction of money alone: usage stands as the event says. */
  | 'unchanged';

/** Who the usage is for: fixed values of the virtual key, completed by `x-tokenledger-*` headers. */
export interface Attribution {
  readonly tenantId: string;
  readonly projectId: string;
  readonly ownerId: string;
  readonly team: string;
  readonly userId: string;
  readonly virtualKeyId: string;
  readonly application: string;
  readonly applicationVersion: string;
  readonly feature: string;
  readonly workflowId: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly conversationId: string;
  readonly environment: string;
  readonly promptVersion: string;
  readonly mcpServer: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly settlementKind: SettlementKind;
  readonly settlementId: string;
}

/** One upstream call made for a request, failed ones included. Times in milliseconds since the epoch. */
export interface Attempt {
  /** The id that was sent upstream with this attempt (`x-request-id`), so that a provider's bill can be matched. */
  readonly attemptId: string;
  readonly channelId: string;
  readonly provider: string;
  readonly requestedModel: string;
  readonly servedModel: string;
  readonly serviceTier: string;
  readonly region: string;
  readonly startedAtMs: number;
  readonly completedAtMs: number | null;
  readonly timeToFirstByteMs: number | null;
  /** HTTP status of the upstream's answer; null when there was none. */
  readonly httpStatus: number | null;
  readonly errorClass: string;
  readonly upstreamRequestId: string;
  /** Null when unknown; then `usageReason` says why. */
  readonly usage: Usage | null;
  readonly usageSource: UsageSource;
  readonly usageBasis: UsageBasis;
  readonly usageReason: UsageReason;
  /** e.g. `split_unknown`, `repeated`, `contradictory`. */
  readonly usageFlags: readonly string[];
  /** The provider's own usage object as JSON text, bounded; `''` when it sent none. */
  readonly rawUsage: string;
}

/** A local count. `reason` is `''` exactly when the counts are known. */
export interface Counted {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly tokenizer: string;
  readonly method: 'exact' | 'calibrated' | 'approximate' | '';
  readonly reason: string;
}

export interface UsageEvent {
  /** UUIDv7, the idempotency key. */
  readonly eventId: string;
  readonly requestId: string;
  /** Identity in its stream: `sequence` is contiguous from 1 per source and partition. */
  readonly source: string;
  readonly sequence: number;
  readonly kind: EventKind;
  readonly adjustsEventId: string;

  /** Request accepted; fixes the hour for good. Milliseconds since the epoch. */
  readonly occurredAtMs: number;
  readonly completedAtMs: number | null;
  readonly recordedAtMs: number;
  readonly timeToFirstByteMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly durationMs: number | null;
  /** Time the ingress itself added before the first upstream byte left, in microseconds. */
  readonly overheadUs: number | null;

  readonly attribution: Attribution;

  readonly surface: string;
  readonly requestedModel: string;
  readonly servedModel: string;
  readonly provider: string;
  readonly channelId: string;
  readonly routeType: RouteType;
  readonly routeReason: string;
  readonly serviceTier: string;
  readonly region: string;
  readonly streamed: boolean;

  readonly outcome: Outcome;
  /** Status the client was answered with; null when it got none. */
  readonly httpStatus: number | null;
  readonly errorClass: string;
  readonly finishReason: string;
  readonly upstreamRequestId: string;
  readonly traceId: string;

  /** Every upstream call. Empty when nothing was forwarded. The event's usage and cost are sums over these. */
  readonly attempts: readonly Attempt[];
  readonly counted: Counted | null;

  /** Keyed hashes, hex; never content. */
  readonly promptFingerprint: string;
  readonly lastToolFingerprint: string;
  readonly requestBytes: number | null;
  readonly responseBytes: number | null;

  /** What the answer would have taken from the provider, had it not come from the response cache; null when it did not. */
  readonly avoidedUsage: Usage | null;
}
