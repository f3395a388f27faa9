/** What commands that rate again print. */
import { formatUsd } from '@tokenledger/domain';

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
