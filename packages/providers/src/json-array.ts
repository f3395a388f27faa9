/** Cuts a byte stream that is one JSON array into its elements, as they become whole. Only elements that are objects are given out. */
import type { EventRun } from './sse-events.ts';

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const CARRY_BYTES_MIN = 4096;
/** A buffer above this size is let go once it is empty. */
const CARRY_BYTES_KEPT = 65_536;

export class JsonArrayElements {
  readonly #elementBytesMax: number;
  readonly #run: EventRun;
  #carry = Buffer.alloc(0);
  #carried = 0;
  /** Brackets and braces that are open; 1 between the elements of the array. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Inside an element that is an object. */
  #inObject = false;
  /** Inside an element that exceeded the limit: its parts are passed on as they come. */
  #oversized = false;
  #closed = false;

  /** `run` is given each element that is an object, or the parts of one that is longer than `elementBytesMax`. */
  constructor(elementBytesMax: number, run: EventRun) {
    this.#elementBytesMax = elementBytesMax;
    this.#run = run;
  }

  /** The array's own closing bracket has been pushed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes of the element that is not whole yet; valid until the next push. */
  get pending(): Buffer {
    return this.#carry.subarray(0, this.#carried);
  }

  get heldBytes(): number {
    return this.#carried;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let at = 0; at < chunk.length && !this.#closed; at++) {
      const byte = chunk[at] as number;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#depth === 1 && byte === OPEN_BRACE) {
          this.#inObject = true;
          start = at;
        }
        this.#depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth--;
        if (this.#depth <= 0) this.#closed = true;
        if (this.#depth !== 1 || !this.#inObject) continue;
        this.#inObject = false;
        this.#whole(chunk, start, at + 1);
        start = at + 1;
      }
    }
    if (this.#inObject) this.#keep(chunk, start);
  }

  /** Treats the element that is not whole yet as one that exceeds the limit. */
  giveUp(): void {
    if (this.#carried === 0) return;
    this.#run(this.#carry, 0, this.#carried, false);
    this.#oversized = true;
    this.#drop();
  }

  #whole(chunk: Buffer, from: number, to: number): void {
    if (this.#oversized || this.#carried + to - from > this.#elementBytesMax) {
      this.giveUp();
      this.#run(chunk, from, to, false);
      this.#oversized = false;
    } else if (this.#carried === 0) {
      this.#run(chunk, from, to, true);
    } else {
      this.#append(chunk, from, to);
      this.#run(this.#carry, 0, this.#carried, true);
      this.#drop();
    }
  }

  #keep(chunk: Buffer, from: number): void {
    if (this.#oversized || this.#carried + chunk.length - from > this.#elementBytesMax) {
      this.giveUp();
      this.#run(chunk, from, chunk.length, false);
      this.#oversized = true;
    } else {
      this.#append(chunk, from, chunk.length);
    }
  }

  #append(chunk: Buffer, from: number, to: number): void {
    const size = this.#carried + to - from;
    if (size > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(size * 2, CARRY_BYTES_MIN));
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carried, from, to);
    this.#carried = size;
  }

  #drop(): void {
    this.#carried = 0;
    if (this.#carry.length > CARRY_BYTES_KEPT) this.#carry = Buffer.alloc(0);
  }
}
