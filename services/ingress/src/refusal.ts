/** Answers a request that is not forwarded, and records its event before the client knows. */
import type { Outcome, UsageEvent } from '@tokenledger/domain';
import type { Journal } from '@tokenledger/journal';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { FastifyReply } from 'fastify';
import type { AcceptedRequest } from './accepted-request.ts';
import { type RequestEnd, type RequestRecord, usageEvent } from './core/usage-event.ts';
import type { IngressCode } from './errors.ts';
import type { IngressMetrics } from './metrics.ts';
import type { Surface } from '@tokenledger/providers';

export interface Refusal {
  readonly status: number;
  readonly code: IngressCode | 'REQUEST_INVALID';
  readonly message: string;
  readonly outcome: Outcome;
}

const RETRY_AFTER_SECONDS = 1;

export interface RefusalContext {
  readonly journal: Journal;
  readonly metrics: IngressMetrics;
  readonly now: () => number;
  readonly partitionOf: (keyId: string) => number;
}

/** What is known of a request before its body was understood. */
export function bareRecord(accepted: AcceptedRequest, requestBytes: number | null): RequestRecord {
  return {
    eventId: accepted.requestId,
    requestId: accepted.requestId,
    occurredAtMs: accepted.occurredAtMs,
    attribution: accepted.key.attribution,
    surface: accepted.surface.name,
    requestedModel: '',
    streamed: false,
    traceId: accepted.traceId,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes,
    overheadUs: null,
  };
}

/** Records the refusal, then answers. A full journal is answered 503 instead, and counted. */
export function refuse(
  context: RefusalContext,
  reply: FastifyReply,
  accepted: AcceptedRequest,
  record: RequestRecord,
  refusal: Refusal,
): void {
  const end: RequestEnd = {
    outcome: refusal.outcome,
    httpStatus: refusal.status,
    errorClass: refusal.code.toLowerCase(),
    responseBytes: null,
    timeToFirstByteMs: null,
    timeToFirstTokenMs: null,
    durationMs: Math.round(performance.now() - accepted.startedAt),
  };
  recordUnforwarded(context, accepted, record, end, (recorded) => {
    if (recorded) answerRefusal(reply, accepted.surface, accepted.requestId, refusal);
    else answerRefusal(reply, accepted.surface, accepted.requestId, JOURNAL_FULL);
  });
}

export const JOURNAL_FULL: Refusal = {
  status: 503,
  code: 'JOURNAL_FULL',
  message: 'nothing more can be recorded at the moment, so nothing is forwarded; try again shortly',
  outcome: 'refused_unavailable',
};

/** Records a request of which nothing was forwarded; `done(false)` when the journal was full. */
export function recordUnforwarded(
  context: RefusalContext,
  accepted: AcceptedRequest,
  record: RequestRecord,
  end: RequestEnd,
  done: (recorded: boolean) => void,
): void {
  const { journal } = context;
  const event = (sequence: number): UsageEvent =>
    usageEvent(record, end, null, { source: journal.source, sequence, recordedAtMs: context.now() });
  const entry = journal.open({ partition: context.partitionOf(accepted.key.id), facts: () => encodeUsageEvent(event(0)) });
  if (entry === null) {
    context.metrics.unrecorded('journal_full');
    done(false);
    return;
  }
  const position = journal.close(entry, accepted.key.id, (sequence) => encodeUsageEvent(event(sequence)));
  context.metrics.finished(record, end);
  journal.onSynced(position, () => done(true));
}

/** An error in the provider's own shape. 503 tells when to try again. */
export function answerRefusal(reply: FastifyReply, surface: Surface, requestId: string, refusal: Refusal): void {
  if (refusal.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  reply
    .code(refusal.status)
    .header('content-type', 'application/json')
    .header('x-tokenledger-request-id', requestId)
    .send(surface.errorBody({ status: refusal.status, code: refusal.code, message: refusal.message, requestId }));
}
