/** Up to which time events are expected to be there, by the events themselves: a clock that jumps seals nothing. Pure. */

export interface Progress {
  /** Newest `occurred_at` of all that is written, in milliseconds since the epoch; null when nothing is. */
  readonly newestMs: number | null;
  /** Partitions with records that wait to be written: each with the newest time that was written of it, as far as somebody looked. A partition where nothing waits holds nobody back, however
   *  long it has been silent. */
  readonly behind: readonly { readonly newestMs: number }[];
}

/** Milliseconds since the epoch; null when nothing is known yet. What comes later all the same has its day sealed anew. */
export function watermarkMs({ newestMs, behind }: Progress, allowedLatenessMs: number): number | null {
  if (newestMs === null) return null;
  return Math.min(newestMs, ...behind.map((partition) => partition.newestMs)) - allowedLatenessMs;
}
