/** Answers a request that is not forwarded, and records its event before the client knows. */
import type { ServerResponse } from 'node:http';
import { AppError, type Outcome, type UsageEvent } from '@tokenledger/domain';
import type { Journal } from '@tokenledger/journal';
import type { Surface } from '@tokenledger/providers';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { RequestTracing } from '@tokenledger/tracing';
import type { AcceptedRequest } from './accepted-request.ts';
import { failureStatus, isUnsigned } from './core/outcome.ts';
import { type RequestEnd, type RequestRecord, usageEvent } from './core/usage-event.ts';
import { ERRORS, type IngressCode } from './errors.ts';
import type { IngressMetrics } from './metrics.ts';

export interface Refusal {
  readonly status: number;
  readonly code: IngressCode | 'REQUEST_INVALID';
  readonly outcome: Outcome;
  /** Default: the sentence of the code. */
  readonly message?: string;
}

export const JOURNAL_FULL: Refusal = { status: 503, code: 'JOURNAL_FULL', outcome: 'refused_unavailable' };

const RETRY_AFTER_SECONDS = 1;

export interface RefusalContext {
  readonly journal: Journal;
  readonly metrics: IngressMetrics;
  readonly tracing: RequestTracing | undefined;
  readonly now: () => number;
  readonly partitionOf: (keyId: string) => number;
}

/** Records the refusal, then answers. A full journal is answered 503 instead, and counted. */
export function refuse(
  context: RefusalContext,
  response: ServerResponse,
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
    answerRefusal(response, accepted.target.surface, accepted.requestId, recorded ? refusal : JOURNAL_FULL);
  });
}

/** Records a request of which nothing was forwarded; `done(false)` when the journal was full. `completed` says of its event what is known besides. */
export function recordUnforwarded(
  context: RefusalContext,
  accepted: AcceptedRequest,
  record: RequestRecord,
  end: RequestEnd,
  done: (recorded: boolean) => void,
  completed: (event: UsageEvent) => UsageEvent = (event) => event,
): void {
  const { journal } = context;
  const event = (sequence: number): UsageEvent =>
    completed(usageEvent(record, end, null, { source: journal.source, sequence, recordedAtMs: context.now() }));
  const entry = journal.open({ partition: context.partitionOf(accepted.key.id), facts: () => encodeUsageEvent(event(0)) });
  if (entry === null) {
    context.metrics.unrecorded('journal_full');
    done(false);
    return;
  }
  const position = journal.close(entry, accepted.key.id, (sequence) => {
    const closed = event(sequence);
    if (accepted.trace !== undefined) context.tracing?.finished(accepted.trace, closed, []);
    return encodeUsageEvent(closed);
  });
  context.metrics.finished(record, end);
  journal.onSynced(position, () => done(true));
}

/** An error in the provider's own shape. 503 tells when to try again. What is left of the request's body is thrown away. */
export function answerRefusal(response: ServerResponse, surface: Surface, requestId: string, refusal: Refusal): void {
  if (response.destroyed) return;
  const message = refusal.message ?? (refusal.code === 'REQUEST_INVALID' ? '' : ERRORS[refusal.code]);
  const body = surface.errorBody({ status: refusal.status, code: refusal.code, message, requestId });
  if (refusal.status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  response.writeHead(refusal.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-tokenledger-request-id': requestId,
  });
  response.end(body);
}

/** The provider gave no answer that could be passed on. */
export function answerFailure(response: ServerResponse, { target, requestId }: AcceptedRequest, error: Error): void {
  if (error instanceof AppError && error.code === JOURNAL_FULL.code)
    return answerRefusal(response, target.surface, requestId, JOURNAL_FULL);
  const status = failureStatus(error);
  if (isUnsigned(error)) {
    const { message } = error;
    return answerRefusal(response, target.surface, requestId, {
      status,
      code: 'CHANNEL_UNUSABLE',
      message,
      outcome: 'refused_unavailable',
    });
  }
  const code = status === 504 ? 'UPSTREAM_TIMED_OUT' : 'UPSTREAM_UNREACHABLE';
  answerRefusal(response, target.surface, requestId, { status, code, outcome: status === 504 ? 'timed_out' : 'upstream_error' });
}
