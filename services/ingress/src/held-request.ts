/** Until when a request takes memory: its body may wait for a connection to the provider, or for the journal, long after its client has gone. */

export class HeldRequest {
  #isSending = true;
  #isSettled = false;
  #onReleased: (() => void) | undefined;

  /** Nobody sends it any more, or will. */
  sent(): void {
    this.#isSending = false;
    this.#release();
  }

  /** It is sent once more. */
  sending(): void {
    this.#isSending = true;
  }

  /** Its end is recorded. */
  settled(): void {
    this.#isSettled = true;
    this.#release();
  }

  /** Calls back once both are so; at once when they are. */
  whenReleased(callback: () => void): void {
    this.#onReleased = callback;
    this.#release();
  }

  #release(): void {
    if (this.#isSending || !this.#isSettled) return;
    this.#onReleased?.();
    this.#onReleased = undefined;
  }
}
