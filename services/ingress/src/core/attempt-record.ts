/** What the ledger is told of an attempt that has ended. Pure. */
import type { UsageReason } from '@tokenledger/domain';
import type { ModelFlags } from '../model-flags.ts';
import type { AnswerSoFar, ObservedAnswer } from '@tokenledger/providers';
import { type Estimate, estimateUsage } from './estimate.ts';
import { errorClassOf } from './outcome.ts';
import type { SentAttempt } from './unresolved-event.ts';
import type { AttemptRecord, RequestRecord } from './usage-event.ts';

export interface AttemptEnd {
  readonly request: RequestRecord;
  readonly sent: SentAttempt;
  /** Monotonic milliseconds, as the other two. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly firstByteAt: number | null;
  readonly httpStatus: number | null;
  readonly upstreamRequestId: string;
  readonly observed: ObservedAnswer | null;
  readonly error: Error | undefined;
  /** The client left, and the limit for reading on was reached. */
  readonly isCutShort: boolean;
  /** Of its answer; only asked where it was cut short. */
  readonly reading: { soFar(): AnswerSoFar } | undefined;
}

/** Why an answer has no usage when nothing more is read of it; others say that the provider reported none, or something that cannot be. */
const CUT_SHORT: ReadonlySet<UsageReason> = new Set(['cut_off', 'undecodable_answer', 'answer_too_large']);

/** `modelFlags`: what the catalogue of models says of a model; undefined: there is none. */
export function attemptRecord(modelFlags: ModelFlags | undefined, end: AttemptEnd): AttemptRecord {
  const { sent, startedAt, endedAt, firstByteAt, observed, isCutShort } = end;
  const reason: UsageReason = isCutShort ? 'client_aborted' : 'upstream_error';
  return {
    ...sent,
    durationMs: Math.round(endedAt - startedAt),
    timeToFirstByteMs: firstByteAt === null ? null : Math.round(firstByteAt - startedAt),
    httpStatus: end.httpStatus,
    errorClass: errorClassOf(end),
    upstreamRequestId: end.upstreamRequestId,
    answer: observed !== null && observed.usage === null && isCutShort ? { ...observed, usageReason: reason } : observed,
    reasonWithoutAnswer: reason,
    estimate: estimateOf(end),
    modelFlag: modelFlags?.(sent.provider, sent.requestedModel, observed?.servedModel ?? '', sent.startedAtMs) ?? undefined,
  };
}

/** Of two calls the one that was not waited for: given up, or failed while the other was out. `endedAt`: monotonic milliseconds. */
export function lostAttempt(
  modelFlags: Parameters<typeof attemptRecord>[0],
  request: RequestRecord,
  { call, status, error }: Lost,
  endedAt: number,
): AttemptRecord {
  return attemptRecord(modelFlags, {
    request,
    sent: call.sent,
    startedAt: call.startedAt,
    endedAt,
    firstByteAt: null,
    httpStatus: status,
    upstreamRequestId: '',
    observed: null,
    error,
    isCutShort: error !== undefined && 'code' in error && error.code === 'HEDGED',
    reading: undefined,
  });
}

interface Lost {
  readonly call: { readonly sent: SentAttempt; readonly startedAt: number };
  readonly status: number | null;
  readonly error: Error | undefined;
}

/** Of an answer that was not read to its end, because its client had left. */
function estimateOf({ isCutShort, observed, request, reading }: AttemptEnd): Estimate | null {
  if (!isCutShort || (observed !== null && !CUT_SHORT.has(observed.usageReason))) return null;
  return estimateUsage({ request, answer: reading?.soFar() ?? null });
}
