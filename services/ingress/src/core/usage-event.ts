/** Builds the one event of a request from what was seen. Pure. */
import type { Attempt, Attribution, Outcome, RouteType, UsageEvent, UsageReason } from '@tokenledger/domain';
import type { ObservedAnswer } from '@tokenledger/providers';
import type { Estimate } from './estimate.ts';

/** What is known of a request once its key is accepted. Clock times in milliseconds since the epoch. */
export interface RequestRecord {
  readonly eventId: string;
  readonly requestId: string;
  readonly occurredAtMs: number;
  readonly attribution: Attribution;
  readonly surface: string;
  readonly requestedModel: string;
  readonly streamed: boolean;
  readonly traceId: string;
  readonly promptFingerprint: string;
  readonly lastToolFingerprint: string;
  readonly requestBytes: number | null;
  /** Whether the body holds images, sounds or files: then its size says nothing about its tokens. */
  readonly holdsMedia: boolean;
  /** Its usage is counted by a name of the provider's, never by this request. Absent: no. */
  readonly reportedLater?: boolean;
  readonly overheadUs: number | null;
}

/** How the request ended for its client. Durations in milliseconds since `occurredAtMs`. */
export interface RequestEnd {
  readonly outcome: Outcome;
  readonly httpStatus: number | null;
  readonly errorClass: string;
  readonly responseBytes: number | null;
  readonly timeToFirstByteMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  /** Null when the end was never seen. */
  readonly durationMs: number | null;
}

/** One upstream call as it went. `answer` is null when no answer was read. */
export interface AttemptRecord {
  readonly attemptId: string;
  readonly channelId: string;
  readonly provider: string;
  readonly region: string;
  readonly routeType: RouteType;
  /** Why this channel was chosen. */
  readonly routeReason: string;
  /** What the provider was asked for. */
  readonly requestedModel: string;
  readonly startedAtMs: number;
  /** Null when the end was never seen. */
  readonly durationMs: number | null;
  readonly timeToFirstByteMs: number | null;
  readonly httpStatus: number | null;
  readonly errorClass: string;
  readonly upstreamRequestId: string;
  readonly answer: ObservedAnswer | null;
  /** Why usage is null when `answer` is. */
  readonly reasonWithoutAnswer: UsageReason;
  /** Stands where nobody reported usage, and nobody will. */
  readonly estimate: Estimate | null;
  /** What the catalogue of models says of the model. Absent: nothing. */
  readonly modelFlag?: string | undefined;
}

export interface EventIdentity {
  readonly source: string;
  readonly sequence: number;
  readonly recordedAtMs: number;
}

export const NO_ATTEMPTS: readonly AttemptRecord[] = [];

/** Bytes tell nothing of caches and of reasoning. */
const ESTIMATE_FLAGS = ['split_unknown'] as const;

function attemptOf(record: AttemptRecord): Attempt {
  const { answer } = record;
  const reported = answer?.usage ?? null;
  const estimate = reported === null ? record.estimate : null;
  const usage = reported ?? estimate?.usage ?? null;
  const flags = estimate !== null ? ESTIMATE_FLAGS : (answer?.usageFlags ?? []);
  return {
    attemptId: record.attemptId,
    channelId: record.channelId,
    provider: record.provider,
    requestedModel: record.requestedModel,
    servedModel: answer?.servedModel ?? '',
    serviceTier: answer?.serviceTier ?? '',
    region: record.region,
    startedAtMs: record.startedAtMs,
    completedAtMs: record.durationMs === null ? null : record.startedAtMs + record.durationMs,
    timeToFirstByteMs: record.timeToFirstByteMs,
    httpStatus: record.httpStatus,
    errorClass: record.errorClass,
    upstreamRequestId: record.upstreamRequestId,
    usage,
    usageSource: estimate !== null ? 'estimated' : usage === null ? 'none' : 'reported',
    usageBasis: estimate?.basis ?? '',
    usageReason: estimate !== null ? '' : answer === null ? record.reasonWithoutAnswer : answer.usageReason,
    usageFlags: record.modelFlag === undefined ? flags : [...flags, record.modelFlag],
    rawUsage: answer?.rawUsage ?? '',
  };
}

/** `attempt`: the last, which made the answer; null for a request that was refused before anything was forwarded. `earlier`: those that failed before it, in order. */
export function usageEvent(
  request: RequestRecord,
  end: RequestEnd,
  attempt: AttemptRecord | null,
  identity: EventIdentity,
  earlier: readonly AttemptRecord[] = NO_ATTEMPTS,
): UsageEvent {
  const answer = attempt?.answer ?? null;
  return {
    eventId: request.eventId,
    requestId: request.requestId,
    source: identity.source,
    sequence: identity.sequence,
    kind: 'usage',
    adjustsEventId: '',
    occurredAtMs: request.occurredAtMs,
    completedAtMs: end.durationMs === null ? null : request.occurredAtMs + end.durationMs,
    recordedAtMs: identity.recordedAtMs,
    timeToFirstByteMs: end.timeToFirstByteMs,
    timeToFirstTokenMs: end.timeToFirstTokenMs,
    durationMs: end.durationMs,
    overheadUs: request.overheadUs,
    attribution: request.attribution,
    surface: request.surface,
    requestedModel: request.requestedModel,
    servedModel: answer?.servedModel ?? '',
    provider: attempt?.provider ?? '',
    channelId: attempt?.channelId ?? '',
    routeType: attempt?.routeType ?? '',
    routeReason: attempt?.routeReason ?? '',
    serviceTier: answer?.serviceTier ?? '',
    region: attempt?.region ?? '',
    streamed: request.streamed,
    outcome: end.outcome,
    httpStatus: end.httpStatus,
    errorClass: end.errorClass,
    finishReason: answer?.finishReason ?? '',
    upstreamRequestId: answer?.identified?.id ?? attempt?.upstreamRequestId ?? '',
    traceId: request.traceId,
    attempts: attempt === null ? [] : earlier.length === 0 ? [attemptOf(attempt)] : [...earlier, attempt].map(attemptOf),
    counted: null,
    promptFingerprint: request.promptFingerprint,
    lastToolFingerprint: request.lastToolFingerprint,
    requestBytes: request.requestBytes,
    responseBytes: end.responseBytes,
    avoidedUsage: null,
  };
}
