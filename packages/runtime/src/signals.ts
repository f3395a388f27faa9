/** SIGINT and SIGTERM: the first asks for a graceful stop, a second one ends the process now. */

export interface SignalHandlers {
  readonly graceful: (signal: NodeJS.Signals) => void;
  readonly now: (signal: NodeJS.Signals) => void;
}

/** A terminal sends Ctrl-C to every process in front, and npm passes the one it got on: the same key press arrives twice within this time. */
export const SAME_PRESS_MS = 500;

/** Gives a function that takes the handlers away again. */
export function onStopSignals(handlers: SignalHandlers): () => void {
  let firstMs: number | undefined;
  const receive = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      handlers.graceful(signal);
    } else if (nowMs - firstMs > SAME_PRESS_MS) {
      handlers.now(signal);
    }
  };
  process.on('SIGINT', receive);
  process.on('SIGTERM', receive);
  return () => {
    process.off('SIGINT', receive);
    process.off('SIGTERM', receive);
  };
}
