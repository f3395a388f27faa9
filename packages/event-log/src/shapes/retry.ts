/** Tries a step again while its failure can pass, with a bounded exponential backoff; nothing is read meanwhile. */
import { AppError } from '@tokenledger/domain';
import type { Pacing } from '../pacing.ts';
import type { RetryLimits } from './types.ts';

export const RETRY_DEFAULTS: RetryLimits = { initialMs: 50, maxMs: 10_000 };

export interface Retry {
  readonly pacing: Pacing;
  readonly limits: RetryLimits;
  readonly signal: AbortSignal;
  readonly retrying: (error: unknown, attempt: number) => void;
}

function isRetryable(error: unknown): boolean {
  return error instanceof AppError && error.retryable;
}

/** Resolves with the step's result. Throws what cannot be retried; throws `OWNERSHIP_LOST` when `signal` aborts between attempts. */
export async function persist<Result>(
  retry: Retry,
  step: () => Promise<Result> | Result,
  again: (error: unknown) => boolean = isRetryable,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      if (!again(error)) throw error;
      retry.retrying(error, attempt);
      await retry.pacing.wait(backoffMs(retry, attempt), retry.signal);
      if (retry.signal.aborted)
        throw new AppError('OWNERSHIP_LOST', 'The partition was lost while a step waited to be tried again.', { cause: error });
    }
  }
}

/** Between half and all of the exponential wait, so that those who failed together do not come back together. */
export function backoffMs({ pacing, limits }: Pick<Retry, 'pacing' | 'limits'>, attempt: number): number {
  const fullMs = Math.min(limits.maxMs, limits.initialMs * 2 ** Math.min(attempt - 1, 30));
  return fullMs * (0.5 + pacing.random() / 2);
}
