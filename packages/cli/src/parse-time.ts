/** A moment as options name it. */
import { InvalidArgumentError } from 'commander';

/** Milliseconds since the epoch. */
export function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write a time as 2026-01-31 or 2026-01-31T12:00:00Z.');
  return ms;
}
