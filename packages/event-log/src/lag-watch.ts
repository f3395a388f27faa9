/** Looks every few seconds how far groups are behind, so that metrics can show it also while nothing moves. */
import { systemPacing, type Pacing } from './pacing.ts';
import type { EventLog } from './port.ts';
import { type Lag, lagsOf } from './topic-set.ts';
import type { Consumer } from './topics.ts';

export interface LagWatchOptions {
  readonly log: EventLog;
  readonly consumers: readonly Consumer[];
  readonly onLags: (lags: readonly Lag[]) => void;
  /** A look that failed; the next one comes in its time. */
  readonly onFailure: (error: unknown) => void;
  readonly pacing?: Pacing;
}

export interface LagWatch {
  /** Resolves once no look is under way. */
  close(): Promise<void>;
}

const LOOK_INTERVAL_MS = 5_000;

export function watchLags({ log, consumers, onLags, onFailure, pacing = systemPacing }: LagWatchOptions): LagWatch {
  const closing = new AbortController();
  const watch = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        const lags = await Promise.all(consumers.map((consumer) => lagsOf(log, consumer)));
        onLags(lags.flat());
      } catch (error) {
        if (!closing.signal.aborted) onFailure(error);
      }
      await pacing.wait(LOOK_INTERVAL_MS, closing.signal);
    }
  };
  const watching = watch();
  return {
    close: async () => {
      closing.abort();
      await watching;
    },
  };
}
