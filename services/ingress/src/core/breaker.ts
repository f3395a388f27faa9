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

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  get isClosed(): boolean {
    return this.#openUntil === null;
  }

  /** Whether a request would be let through. */
  takes(now: number): boolean {
    return this.#openUntil === null || now >= this.#openUntil;
  }

  /** A request is let through: while it is tried, no other is, until as much time has passed again. */
  began(now: number): void {
    if (this.#openUntil !== null && now >= this.#openUntil) this.#openUntil = now + this.#limits.openMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = null;
  }

  failed(now: number): void {
    this.#failures += 1;
    if (this.#failures >= this.#limits.failuresMax) this.#openUntil = now + this.#limits.openMs;
  }
}
