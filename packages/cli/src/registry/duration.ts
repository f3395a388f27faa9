/** How long something lasts, as people write it: `90s`, `15m`, `24h`, `7d`, or `0`. */
import { InvalidArgumentError } from 'commander';

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = 's'] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNIT_S[unit || 's'] ?? 1);
  if (digits === '' || (unit === '' && seconds !== 0))
    throw new InvalidArgumentError('Write a duration as 90s, 15m, 24h or 7d; 0 for none.');
  return seconds;
}
