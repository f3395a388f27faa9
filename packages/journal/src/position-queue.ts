/** Callbacks that wait for a position, called in the order of positions. */

interface Waiting {
  readonly position: number;
  readonly callback: () => void;
}

export class PositionQueue {
  #waiting: Waiting[] = [];

  add(position: number, callback: () => void): void {
    let index = this.#waiting.length;
    // Nearly always the last: an opening whose answer comes while it is not synced yet is the exception.
    while (index > 0 && (this.#waiting[index - 1] as Waiting).position > position) index -= 1;
    this.#waiting.splice(index, 0, { position, callback });
  }

  reached(position: number): void {
    const waiting = this.#waiting;
    let count = 0;
    while (count < waiting.length && (waiting[count] as Waiting).position <= position) count += 1;
    if (count === 0) return;
    this.#waiting = waiting.slice(count);
    for (let index = 0; index < count; index++) (waiting[index] as Waiting).callback();
  }
}
