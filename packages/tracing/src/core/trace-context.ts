/** W3C trace context (https://www.w3.org/TR/trace-context/): whose trace a request belongs to, and what is sent upstream. Pure.
 *
 *  No randomness is drawn for spans: ids of requests and attempts are UUIDv7, whose last 8 bytes hold 62 random bits, never all 0. A span has these
 *  8 bytes of its request's or attempt's id; a trace that begins here has all 16 of the request's id, of which the last 7 are random, as the
 *  specification wants of the trace id. */

/** The trace that a request belongs to. */
export interface Trace {
  /** 32 hex characters. */
  readonly traceId: string;
  /** Span of the client that sent the request, 16 hex characters; `''` when the trace begins here. */
  readonly parentSpanId: string;
  /** Whether the spans are exported. */
  readonly sampled: boolean;
  /** Bits of the `traceparent` besides `sampled` that are passed on. */
  readonly otherFlags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_SPAN = '0'.repeat(16);
const SAMPLED = 0b01;
/** The only further flag that is defined: the trace id's last 7 bytes are random. */
const RANDOM = 0b10;
const HEX_OF_RATIO = 8;
const RATIO_STEPS = 2 ** 32;

/** `traceparent`: the client's header. Without a valid one a trace begins here, sampled for `sampleRatio` (0 to 1) of all trace ids; else the client has decided. */
export function traceOf(traceparent: string | undefined, requestId: string, sampleRatio: number): Trace {
  const client = parse(traceparent);
  if (client !== undefined) return client;
  const traceId = requestId.replaceAll('-', '');
  return { traceId, parentSpanId: '', sampled: isSampled(traceId, sampleRatio), otherFlags: RANDOM };
}

/** Trace id of a `traceparent`, 32 hex characters; `''` when it is no valid one. */
export function traceIdOf(traceparent: string | undefined): string {
  return parse(traceparent)?.traceId ?? '';
}

/** The span of a request or an attempt, by its UUIDv7. 16 hex characters. */
export function spanIdOf(uuid: string): string {
  return uuid.slice(19, 23) + uuid.slice(24);
}

/** The `traceparent` that names `spanId` as the parent of what the receiver does. */
export function traceparentOf(trace: Trace, spanId: string): string {
  const flags = trace.otherFlags | (trace.sampled ? SAMPLED : 0);
  return `00-${trace.traceId}-${spanId}-0${flags}`;
}

/** Sets `traceparent` among flat header pairs, in place. A `tracestate` belongs to the client's trace: it does not outlive it. */
export function setTraceparent(headers: string[], trace: Trace, spanId: string): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const name = (headers[index] as string).toLowerCase();
    if (name === 'traceparent' || (name === 'tracestate' && trace.parentSpanId === '')) headers.splice(index, 2);
  }
  headers.push('traceparent', traceparentOf(trace, spanId));
}

function parse(traceparent: string | undefined): Trace | undefined {
  if (traceparent === undefined) return undefined;
  const match = TRACEPARENT.exec(traceparent);
  if (match === null) return undefined;
  const [, version, traceId, parentSpanId, flags, after] = match as unknown as readonly [string, string, string, string, string, string];
  // Version 00 ends after its flags; later versions may say more.
  if (version === 'ff' || (version === '00' && after === '-') || traceId === ZERO_TRACE || parentSpanId === ZERO_SPAN) return undefined;
  const bits = Number.parseInt(flags, 16);
  return { traceId, parentSpanId, sampled: (bits & SAMPLED) !== 0, otherFlags: bits & RANDOM };
}

/** The same for every part of a system that sees the trace id, by its last, random bytes. */
function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-HEX_OF_RATIO), 16) < ratio * RATIO_STEPS;
}
