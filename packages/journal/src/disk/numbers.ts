/** Which numbers of a lane are there: all through one, and some above it. */

export class Numbers {
  #through: number;
  #last: number;
  readonly #above = new Set<number>();

  constructor(through: number) {
    this.#through = through;
    this.#last = through;
  }

  get last(): number {
    return this.#last;
  }

  add(number: number): void {
    this.#last = Math.max(this.#last, number);
    if (number <= this.#through) return;
    this.#above.add(number);
    while (this.#above.delete(this.#through + 1)) this.#through += 1;
  }

  /** Those below the last one that are not there, in order. */
  missing(): number[] {
    const missing: number[] = [];
    for (let number = this.#through + 1; number < this.#last; number++) if (!this.#above.has(number)) missing.push(number);
    return missing;
  }
}
