/** A bounded number of things at a time, and a bounded number waiting in order behind them. */
import { EngineError } from './engine-error.ts';
import type { RunningQuery } from './running-query.ts';

export class Slots {
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number, waitingMax: number) {
    this.#free = count;
    this.#waitingMax = waitingMax;
  }

  /** Runs `work` once a slot is free. A query that is cancelled meanwhile never starts. Throws `TOO_MANY_SIMULTANEOUS_QUERIES` when too many wait. */
  async use<T>(query: RunningQuery, work: () => Promise<T>): Promise<T> {
    await this.#take(query);
    try {
      return await work();
    } finally {
      this.#giveBack();
    }
  }

  async #take(query: RunningQuery): Promise<void> {
    if (this.#free === 0) {
      if (this.#waiting.size >= this.#waitingMax)
        throw EngineError.refusal(
          'TOO_MANY_SIMULTANEOUS_QUERIES',
          `Too many simultaneous queries: ${this.#waitingMax} are waiting already.`,
        );
      const { promise, resolve } = Promise.withResolvers<void>();
      const turn = (): void => {
        this.#waiting.delete(turn);
        this.#free--;
        resolve();
      };
      this.#waiting.add(turn);
      try {
        await query.orCancelled(promise);
      } catch (error) {
        // Given a slot in the very moment of being cancelled: hand it on.
        if (!this.#waiting.delete(turn)) this.#giveBack();
        throw error;
      }
      return;
    }
    query.throwIfCancelled();
    this.#free--;
  }

  #giveBack(): void {
    this.#free++;
    const [next] = this.#waiting;
    next?.();
  }
}
