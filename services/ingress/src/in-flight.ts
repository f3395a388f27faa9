/** The bound on request bytes held at one time. A body of unknown length reserves the largest one allowed. */

/** What a request holds besides its body. */
const REQUEST_OVERHEAD_BYTES = 4096;

export interface InFlight {
  readonly bytes: number;
  /** `contentLength`: the header. Gives the bytes reserved; null when there is no room for them. */
  reserve(contentLength: string | undefined): number | null;
  release(bytes: number): void;
}

export function inFlightBound(limits: { readonly inFlightBytesMax: number; readonly bodyBytesMax: number }): InFlight {
  let held = 0;
  return {
    get bytes() {
      return held;
    },
    reserve(contentLength) {
      const body = contentLength === undefined ? limits.bodyBytesMax : Math.min(Number(contentLength), limits.bodyBytesMax);
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
