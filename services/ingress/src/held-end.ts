/** What shows a client that its answer is complete, and what comes after it: kept back until the event is safe. */

/** What comes after the end of an answer is short. */
export const HELD_BYTES_MAX = 16_384;

export class HeldEnd {
  #held: Buffer | undefined;

  get isShown(): boolean {
    return this.#held !== undefined;
  }

  get bytes(): number {
    return this.#held?.length ?? 0;
  }

  /** Gives what has to go out all the same, where more comes than can be kept: the last chunk never does. */
  hold(chunk: Buffer): Buffer | undefined {
    const held = this.#held;
    const fits = held !== undefined && held.length + chunk.length <= HELD_BYTES_MAX;
    this.#held = fits ? Buffer.concat([held, chunk]) : chunk;
    return fits ? undefined : held;
  }

  /** All of it; afterwards nothing is held. */
  take(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held;
  }
}
