/** The circuit breaker of one channel: after failures in a row it is passed over for a while, then tried by one request at a time. Pure.
 *
 *  closed ── `failuresMax` failures in a row ──► open ── after `openMs` ──► trying ── success ──► closed
 *                                                 ▲                            └── failure ──► open */

export interface BreakerLimits {
  readonly failuresMax: number;
  readonly openMs: number;
}

export class Breaker {
  readonly #limits: BreakerLimits;
  #failures = 0;
  /** Monotonic milliseconds until which no request goes there; null while it is closed. */
  #openUntil: number | null = null;
  #isTrying = false;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  /** Whether a request would be let through. */
  takes(now: number): boolean {
    return this.#openUntil === null || now >= this.#openUntil;
  }

  /** A request is let through: while it is tried, no other is, until as much time has passed again. */
  began(now: number): void {
    if (this.#openUntil === null || now < this.#openUntil) return;
    this.#openUntil = now + this.#limits.openMs;
    this.#isTrying = true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = null;
    this.#isTrying = false;
  }

  /** True when the channel is passed over for this failure, be it again: not for those that were under way when it began to be. */
  failed(now: number): boolean {
    this.#failures += 1;
    if (this.#failures < this.#limits.failuresMax) return false;
    const opens = this.#openUntil === null || this.#isTrying;
    this.#openUntil = now + this.#limits.openMs;
    this.#isTrying = false;
    return opens;
  }
}
