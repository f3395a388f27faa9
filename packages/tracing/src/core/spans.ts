/** The spans of a request, from its finished event: one for the request, one below it for each attempt. Pure. */
import type { Attempt, UsageEvent } from '@tokenledger/domain';
import {
  ATTEMPT_ATTRIBUTES,
  attributesOf,
  type AttributeValue,
  isError,
  isServerError,
  REQUEST_ATTRIBUTES,
  type ServerAddress,
} from './attributes.ts';
import { traitsOf } from './surface-traits.ts';
import { spanIdOf, type Trace } from './trace-context.ts';

export interface SpanRecord {
  readonly kind: 'server' | 'client';
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** `''` for the root of a trace. */
  readonly parentSpanId: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface SpanContext {
  readonly trace: Trace;
  /** Where each attempt went, in their order. */
  readonly servers: readonly ServerAddress[];
}

export function spansOf(event: UsageEvent, context: SpanContext): readonly SpanRecord[] {
  const traits = traitsOf(event.surface);
  const { traceId, parentSpanId } = context.trace;
  const requestSpanId = spanIdOf(event.requestId);
  const request: SpanRecord = {
    kind: 'server',
    name: `${traits.method} ${traits.route}`,
    traceId,
    spanId: requestSpanId,
    parentSpanId,
    startedAtMs: event.occurredAtMs,
    endedAtMs: event.completedAtMs ?? event.recordedAtMs,
    failed: requestFailed(event),
    attributes: attributesOf(REQUEST_ATTRIBUTES, { event, traits }),
  };
  const attempts = event.attempts.map((attempt, index): SpanRecord => ({
    kind: 'client',
    name: attempt.requestedModel === '' ? traits.operation : `${traits.operation} ${attempt.requestedModel}`,
    traceId,
    spanId: spanIdOf(attempt.attemptId),
    parentSpanId: requestSpanId,
    startedAtMs: attempt.startedAtMs,
    endedAtMs: attempt.completedAtMs ?? event.completedAtMs ?? event.recordedAtMs,
    failed: attemptFailed(attempt),
    attributes: attributesOf(ATTEMPT_ATTRIBUTES, { event, attempt, index, traits, server: context.servers[index] }),
  }));
  return [request, ...attempts];
}

/** A refusal that is the client's own doing is no failure of the server; an answer that broke off is one, whatever its status said. */
function requestFailed({ httpStatus, outcome }: UsageEvent): boolean {
  if (isError(httpStatus)) return isServerError(httpStatus);
  return outcome === 'upstream_error' || outcome === 'timed_out';
}

function attemptFailed({ httpStatus, errorClass }: Attempt): boolean {
  return isError(httpStatus) || errorClass !== '';
}
