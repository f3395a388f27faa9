/** The bound on request bytes held at one time. A body of unknown length reserves the largest one allowed. */
import type { IncomingMessage } from 'node:http';

/** What a request holds besides its body. */
const REQUEST_OVERHEAD_BYTES = 4096;

export interface InFlight {
  readonly bytes: number;
  /** Bytes reserved; null when there is no room for them. */
  reserve(request: IncomingMessage): number | null;
  release(bytes: number): void;
}

export function inFlightBound(limits: { readonly inFlightBytesMax: number; readonly bodyBytesMax: number }): InFlight {
  let held = 0;
  return {
    get bytes() {
      return held;
    },
    reserve(request) {
      const announced = Number(request.headers['content-length'] ?? Number.NaN);
      const body = Number.isNaN(announced) ? limits.bodyBytesMax : Math.min(announced, limits.bodyBytesMax);
      const bytes = body + REQUEST_OVERHEAD_BYTES;
      if (held + bytes > limits.inFlightBytesMax) return null;
      held += bytes;
      return bytes;
    },
    release(bytes) {
      held -= bytes;
    },
  };
}
