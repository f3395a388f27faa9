/** Times as ClickHouse reads them quickest. */

/** A time is given as seconds in ten digits, and the hour is a `DateTime`: 2001-09-09 to 2106-02-07. Milliseconds since the epoch. */
export const TIME_MIN_MS = 1_000_000_000_000;
export const TIME_MAX_MS = 4_294_967_295_999;

/** `1762000000.123`: seconds and milliseconds. `ms` is an integer between `TIME_MIN_MS` and `TIME_MAX_MS`. */
export function time(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const rest = ms - seconds * 1000;
  return `${seconds}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}

/** For times that nothing is decided by, such as the log's own. */
export function clampTime(ms: number): number {
  return Math.trunc(Math.min(Math.max(ms, TIME_MIN_MS), TIME_MAX_MS));
}
