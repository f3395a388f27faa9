/** The bound on answer bytes that are held to be read: a plain answer is read as a whole, so many at one time must not take more memory than there is. */

export interface AnswerMemory {
  readonly bytes: number;
  /** One answer holds `to` bytes where it held `from`. False when there is no room for that: then it holds none. */
  resize(from: number, to: number): boolean;
}

export function answerMemory(bytesMax: number): AnswerMemory {
  let held = 0;
  return {
    get bytes() {
      return held;
    },
    resize(from, to) {
      held -= from;
      if (to > from && held + to > bytesMax) return false;
      held += to;
      return true;
    },
  };
}

/** What one answer holds of it. */
export class HeldAnswer {
  readonly #memory: AnswerMemory;
  #bytes = 0;

  constructor(memory: AnswerMemory) {
    this.#memory = memory;
  }

  /** False when there is no room for so many. */
  resize(bytes: number): boolean {
    if (bytes === this.#bytes) return true;
    const hasRoom = this.#memory.resize(this.#bytes, bytes);
    this.#bytes = hasRoom ? bytes : 0;
    return hasRoom;
  }
}
