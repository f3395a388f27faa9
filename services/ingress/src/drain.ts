/** Reading on after the client has left, so that the provider's usage is seen; within a time and a number of bytes. */

export interface DrainLimits {
  readonly timeoutMs: number;
  readonly bytesMax: number;
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
