/** When the next progress record of a long answer is due: after a time or so many bytes, whichever comes first. */
import type { IngressConfig } from './config.ts';

export type PaceConfig = Pick<IngressConfig, 'progress_interval_ms' | 'progress_bytes'>;

export class ProgressPace {
  readonly #config: PaceConfig;
  /** Monotonic milliseconds; never, before an answer begins. */
  #at = Number.POSITIVE_INFINITY;
  #bytes = Number.POSITIVE_INFINITY;

  constructor(config: PaceConfig) {
    this.#config = config;
  }

  /** An answer begins. */
  begin(now: number): void {
    this.#at = now + this.#config.progress_interval_ms;
    this.#bytes = this.#config.progress_bytes;
  }

  isDue(receivedBytes: number): boolean {
    return receivedBytes >= this.#bytes || performance.now() >= this.#at;
  }

  next(receivedBytes: number): void {
    this.#at = performance.now() + this.#config.progress_interval_ms;
    this.#bytes = receivedBytes + this.#config.progress_bytes;
  }

  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#bytes = Number.POSITIVE_INFINITY;
  }
}
