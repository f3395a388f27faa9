/** Time as OpenAI states it: seconds since the epoch. */

const MS_PER_SECOND = 1000;
/** 2001-09-09 to 2106-02-07: what an event may have. */
const SECONDS_MIN = 1_000_000_000;
const SECONDS_MAX = 2 ** 32 - 1;

/** In milliseconds; null for what is no such time. */
export function unixSeconds(seconds: unknown): number | null {
  if (typeof seconds !== 'number' || !(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX)) return null;
  return Math.floor(seconds * MS_PER_SECOND);
}
