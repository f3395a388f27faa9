/** Wakes those who wait for records of a partition, without a timer running while nothing happens. */
import type { Pacing } from '../pacing.ts';

/** Why waits end: without a reason of ours each end would make an exception, with its stack. */
const WOKEN = 'woken';

export class Wakeups {
  readonly #waiting = new Map<string, Set<AbortController>>();

  /** Resolves at the next `wake` of the key, after `waitMs`, or when `signal` aborts. */
  async wait(pacing: Pacing, key: string, waitMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const woken = new AbortController();
    const stop = (): void => woken.abort(WOKEN);
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(woken));
    signal.addEventListener('abort', stop, { once: true });
    await pacing.wait(waitMs, woken.signal);
    signal.removeEventListener('abort', stop);
    waiting.delete(woken);
  }

  wake(key: string): void {
    for (const woken of this.#waiting.get(key) ?? []) woken.abort(WOKEN);
  }

  wakeAll(): void {
    for (const key of this.#waiting.keys()) this.wake(key);
  }
}
