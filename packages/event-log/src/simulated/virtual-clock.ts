/** Time that passes only when nothing else can happen: waits of hours take microseconds, in the order of their ends. */
import type { Pacing } from '../pacing.ts';
import { seededRandom } from './random.ts';

export interface VirtualClock extends Pacing {
  /** Waits that have not ended. */
  readonly waiting: number;
}

interface Sleeper {
  readonly wakeAtMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Whatever is simulated runs in microtasks. So once a macrotask runs, all of it waits for time, and time goes to the earliest end of a wait. */
export function virtualClock(seed = 1): VirtualClock {
  const random = seededRandom(seed);
  const sleepers = new Set<Sleeper>();
  let nowMs = 0;
  let order = 0;
  let scheduled = false;

  const advance = (): void => {
    scheduled = false;
    let next: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (next === undefined || sleeper.wakeAtMs < next.wakeAtMs || (sleeper.wakeAtMs === next.wakeAtMs && sleeper.order < next.order))
        next = sleeper;
    }
    if (next === undefined) return;
    nowMs = Math.max(nowMs, next.wakeAtMs);
    next.wake();
    schedule();
  };
  const schedule = (): void => {
    if (scheduled || sleepers.size === 0) return;
    scheduled = true;
    setImmediate(advance);
  };

  return {
    nowMs: () => nowMs,
    random,
    get waiting() {
      return sleepers.size;
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper: Sleeper = { wakeAtMs: nowMs + Math.max(0, ms), order: (order += 1), wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
        schedule();
      }),
  };
}
