/** Reading on after the client has left, so that the provider's usage is seen; within a time and a number of bytes. */

import type { ResolvedChannel } from '@tokenledger/control';
import type { IngressConfig } from './config.ts';

export interface DrainLimits {
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

/** As the channel says, else as the config does. */
export function drainLimits({ drainTimeoutMs, drainBytesMax }: ResolvedChannel, config: IngressConfig): DrainLimits {
  return { timeoutMs: drainTimeoutMs ?? config.drain_timeout_ms, bytesMax: drainBytesMax ?? config.drain_bytes_max };
}

export class Drain {
  readonly #bytesMax: number;
  readonly #onLimit: () => void;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #limitHit = false;

  /** Calls `onLimit` once, unless it is ended before. */
  constructor({ timeoutMs, bytesMax }: DrainLimits, onLimit: () => void) {
    this.#bytesMax = bytesMax;
    this.#onLimit = onLimit;
    this.#timer = setTimeout(() => this.#stop(), timeoutMs);
  }

  get limitHit(): boolean {
    return this.#limitHit;
  }

  read(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) this.#stop();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #stop(): void {
    if (this.#limitHit) return;
    this.#limitHit = true;
    this.end();
    this.#onLimit();
  }
}
