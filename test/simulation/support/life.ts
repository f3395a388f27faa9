/** The life of one process. Whatever it awaits goes through here: once it is dead nothing comes back to it, while it is stopped all of it waits. */
import type { Pacing } from '@tokenledger/event-log';

export class Life {
  readonly #pacing: Pacing;
  readonly #onDeath: (() => void)[] = [];
  /** Of this life alone: a promise holds on to all that waits for it, so that one for all lives would keep every run in memory. */
  readonly #never: Promise<never> = new Promise(() => {});
  #stepsLeft = Number.POSITIVE_INFINITY;
  #thaw: Promise<void> | null = null;
  #dead = false;

  constructor(pacing: Pacing) {
    this.#pacing = pacing;
  }

  get dead(): boolean {
    return this.#dead;
  }

  get stopped(): boolean {
    return this.#thaw !== null;
  }

  onDeath(listener: () => void): void {
    this.#onDeath.push(listener);
  }

  /** At once: between two steps. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const listener of this.#onDeath) listener();
  }

  /** Before or after the step so far ahead, wherever the process will be then. */
  killAfter(steps: number): void {
    this.#stepsLeft = Math.min(this.#stepsLeft, steps);
  }

  /** As by SIGSTOP, and SIGCONT `ms` later. */
  stop(ms: number): void {
    if (this.#dead || this.#thaw !== null) return;
    this.#thaw = this.#pacing.wait(ms).then(() => {
      this.#thaw = null;
    });
  }

  /** A call to the world: two steps, before it takes effect and after. */
  async around<Result>(call: () => Promise<Result>): Promise<Result> {
    let blocked = this.#step();
    if (blocked !== undefined) await blocked;
    let result: Result;
    try {
      result = await call();
    } catch (error) {
      blocked = this.#step();
      if (blocked !== undefined) await blocked;
      throw error;
    }
    blocked = this.#step();
    if (blocked !== undefined) await blocked;
    return result;
  }

  /** Something that comes in from the world. */
  take(callback: () => void): void {
    const blocked = this.#step();
    if (blocked === undefined) callback();
    else void this.#takeLater(blocked, callback);
  }

  async #takeLater(blocked: Promise<void>, callback: () => void): Promise<void> {
    await blocked;
    callback();
  }

  #step(): Promise<void> | undefined {
    if (this.#dead) return this.#never;
    this.#stepsLeft -= 1;
    if (this.#stepsLeft <= 0) {
      this.kill();
      return this.#never;
    }
    return this.#thaw === null ? undefined : this.#awake();
  }

  async #awake(): Promise<void> {
    while (this.#thaw !== null) await this.#thaw;
    if (this.#dead) await this.#never;
  }
}
