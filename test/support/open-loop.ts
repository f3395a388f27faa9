/** Requests at a steady rate, whatever becomes of the ones before: each begins at its intended time. */
import { setTimeout as wait } from 'node:timers/promises';

export interface OpenLoop {
  /** Stops beginning requests. Resolves once the last one has ended; rejects with the first failure that `send` let through. */
  stop(): Promise<void>;
  /** How many have begun. */
  readonly begun: number;
}

/** `send` is called with 0, 1, 2, … at most `inFlightMax` at a time: beyond it the loop fails, since it is not open any more. */
export function openLoop(perSecond: number, inFlightMax: number, send: (index: number) => Promise<void>): OpenLoop {
  const intervalMs = 1_000 / perSecond;
  const inFlight = new Set<Promise<void>>();
  const startedMs = performance.now();
  let stopped = false;
  let begun = 0;
  let failure: { readonly error: unknown } | undefined;

  async function begin(index: number): Promise<void> {
    try {
      await send(index);
    } catch (error) {
      failure ??= { error };
    }
  }
  async function run(): Promise<void> {
    while (!stopped && failure === undefined) {
      for (; begun < (performance.now() - startedMs) / intervalMs && failure === undefined; begun += 1) {
        if (inFlight.size >= inFlightMax)
          failure = { error: new Error(`${inFlight.size} requests are in flight: the product does not keep up`) };
        const request = begin(begun);
        inFlight.add(request);
        void request.finally(() => inFlight.delete(request));
      }
      await wait(intervalMs);
    }
    await Promise.all(inFlight);
  }
  const running = run();
  return {
    get begun() {
      return begun;
    },
    async stop() {
      stopped = true;
      await running;
      if (failure !== undefined) throw failure.error;
    },
  };
}
