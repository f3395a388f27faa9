/** Wakes whoever waits for something to have happened. */

export interface Bell {
  /** Everybody who waits goes on. */
  ring(): void;
  /** Resolves at the next ring, or as soon as `signal` aborts. */
  next(signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let { promise, resolve } = Promise.withResolvers<void>();
  return {
    ring() {
      resolve();
      ({ promise, resolve } = Promise.withResolvers<void>());
    },
    async next(signal) {
      if (signal.aborted) return;
      const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
      const listener = (): void => abort();
      signal.addEventListener('abort', listener, { once: true });
      await Promise.race([promise, aborted]);
      signal.removeEventListener('abort', listener);
    },
  };
}
