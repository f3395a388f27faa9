/** Time and chance as arguments: what waits and retries takes them from here, so that a simulation can supply both. */

export interface Pacing {
  /** Milliseconds that only rise; not a date. */
  nowMs(): number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts. Never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** At least 0 and below 1; spreads retries. */
  random(): number;
}

export const systemPacing: Pacing = {
  nowMs: () => performance.now(),
  random: () => Math.random(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** Waits for `work`, at most `ms` milliseconds. `work` must not reject. */
export async function waitAtMost(pacing: Pacing, work: Promise<void>, ms: number): Promise<void> {
  const enough = new AbortController();
  await Promise.race([work, pacing.wait(ms, enough.signal)]);
  enough.abort();
}
