/** The event that recovery publishes of a request if the process dies before its end is recorded: as it stands when it is opened, and again, with more
 *  in it, while a long answer goes on. Pure. */
import type { RouteType, UsageEvent } from '@tokenledger/domain';
import type { AnswerSoFar, ObservedAnswer } from '@tokenledger/providers';
import type { OpenedRequest } from '@tokenledger/schemas';
import { estimateUsage } from './estimate.ts';
import { type AttemptRecord, type EventIdentity, NO_ATTEMPTS, type RequestEnd, type RequestRecord, usageEvent } from './usage-event.ts';

/** The call that was made for the request. */
export interface SentAttempt {
  readonly attemptId: string;
  readonly channelId: string;
  readonly provider: string;
  readonly region: string;
  /** What the provider was asked for. */
  readonly requestedModel: string;
  readonly routeType: RouteType;
  /** Why this channel was chosen. */
  readonly routeReason: string;
  readonly startedAtMs: number;
}

/** How far its answer has come. Durations in milliseconds: since the request was accepted, and since the attempt began. */
export interface Progress {
  readonly httpStatus: number | null;
  readonly responseBytes: number;
  readonly timeToFirstByteMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly attemptTimeToFirstByteMs: number | null;
  readonly upstreamRequestId: string;
  readonly answer: AnswerSoFar;
}

const NOTHING_SEEN: RequestEnd = {
  outcome: 'unresolved',
  httpStatus: null,
  errorClass: '',
  responseBytes: null,
  timeToFirstByteMs: null,
  timeToFirstTokenMs: null,
  durationMs: null,
};

/** Whether `OpenedRequest` says all of a first attempt. */
export function isPlain(record: RequestRecord, sent: SentAttempt): boolean {
  return sent.routeType === 'direct' && sent.requestedModel === record.requestedModel;
}

/** What is written down of a request before it is forwarded, where that is plain. */
export function openedRequest(record: RequestRecord, sent: SentAttempt): OpenedRequest {
  return {
    eventId: record.eventId,
    occurredAtMs: record.occurredAtMs,
    attribution: record.attribution,
    surface: record.surface,
    requestedModel: record.requestedModel,
    streamed: record.streamed,
    traceId: record.traceId,
    promptFingerprint: record.promptFingerprint,
    lastToolFingerprint: record.lastToolFingerprint,
    requestBytes: record.requestBytes,
    holdsMedia: record.holdsMedia,
    overheadUs: record.overheadUs,
    attemptId: sent.attemptId,
    provider: sent.provider,
    channelId: sent.channelId,
    routeReason: sent.routeReason,
    region: sent.region,
    attemptStartedAtMs: sent.startedAtMs,
  };
}

/** The event of a request of which this is all that is known. */
export function unresolvedRequest(opened: OpenedRequest, identity: EventIdentity): UsageEvent {
  const { attemptId, channelId, provider, region, routeReason, attemptStartedAtMs: startedAtMs, ...record } = opened;
  return unresolvedEvent(
    { ...record, requestId: opened.eventId },
    { attemptId, channelId, provider, region, requestedModel: record.requestedModel, routeType: 'direct', routeReason, startedAtMs },
    null,
    identity,
  );
}

/** `progress`: null when nothing of an answer has come. `earlier`: attempts that have failed, in order. */
export function unresolvedEvent(
  record: RequestRecord,
  sent: SentAttempt,
  progress: Progress | null,
  identity: EventIdentity,
  earlier: readonly AttemptRecord[] = NO_ATTEMPTS,
): UsageEvent {
  const end: RequestEnd =
    progress === null
      ? NOTHING_SEEN
      : {
          ...NOTHING_SEEN,
          httpStatus: progress.httpStatus,
          responseBytes: progress.responseBytes,
          timeToFirstByteMs: progress.timeToFirstByteMs,
          timeToFirstTokenMs: progress.timeToFirstTokenMs,
        };
  return usageEvent(record, end, unresolvedAttempt(record, sent, progress), identity, earlier);
}

/** An attempt that is under way. */
export function unresolvedAttempt(record: RequestRecord, sent: SentAttempt, progress: Progress | null): AttemptRecord {
  const estimate = estimateUsage({ request: record, answer: progress?.answer ?? null });
  return {
    ...sent,
    durationMs: null,
    timeToFirstByteMs: progress?.attemptTimeToFirstByteMs ?? null,
    httpStatus: progress?.httpStatus ?? null,
    errorClass: 'unresolved',
    upstreamRequestId: progress?.upstreamRequestId ?? '',
    answer: progress === null ? null : unfinished(progress.answer),
    reasonWithoutAnswer: 'unresolved',
    estimate: estimate === null || progress === null ? estimate : { ...estimate, basis: 'progress' },
  };
}

function unfinished({ servedModel, serviceTier }: AnswerSoFar): ObservedAnswer {
  return {
    usage: null,
    usageReason: 'unresolved',
    usageFlags: [],
    rawUsage: '',
    servedModel,
    serviceTier,
    upstreamId: '',
    finishReason: '',
    errorClass: '',
    complete: false,
  };
}
