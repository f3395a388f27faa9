/** What commands that rate again take and print. */
import { formatUsd } from '@tokenledger/domain';
import { InvalidArgumentError } from 'commander';

const PROGRESS_MS = 1_000;

export function usd(amount: bigint): string {
  return formatUsd(amount).replace(/(\.\d{2}\d*?)0+$/, '$1');
}

/** Says now and then how far something is. */
export function progressLine(): (line: string) => void {
  let saidMs = performance.now();
  return (line) => {
    if (performance.now() - saidMs < PROGRESS_MS) return;
    saidMs = performance.now();
    console.error(line);
  };
}

export function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write a time as 2026-01-31 or 2026-01-31T12:00:00Z.');
  return ms;
}
