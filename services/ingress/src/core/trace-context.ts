/** W3C trace context: the trace id of a `traceparent` header (https://www.w3.org/TR/trace-context/#traceparent-header). */

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-|$)/;
const ZERO_TRACE = '0'.repeat(32);

/** 32 hex characters; `''` when there is no valid trace context. */
export function traceIdOf(traceparent: string | undefined): string {
  if (traceparent === undefined) return '';
  const match = TRACEPARENT.exec(traceparent);
  const traceId = match?.[1];
  return traceId === undefined || traceId === ZERO_TRACE || traceparent.startsWith('ff') ? '' : traceId;
}
