/** Cuts a byte stream of JSON texts, one a line (https://github.com/ndjson/ndjson-spec), into its lines. */
import type { EventRun } from './sse-events.ts';

const LF = 0x0a;
const CARRY_BYTES_MIN = 4096;
/** A buffer above this size is let go once it is empty. */
const CARRY_BYTES_KEPT = 65_536;

export class JsonLines {
  readonly #lineBytesMax: number;
  readonly #run: EventRun;
  #carry = Buffer.alloc(0);
  #carried = 0;
  /** Inside a line that exceeded the limit: its parts are passed on as they come. */
  #oversized = false;

  /** `run` is given each line, or the parts of one that is longer than `lineBytesMax`. */
  constructor(lineBytesMax: number, run: EventRun) {
    this.#lineBytesMax = lineBytesMax;
    this.#run = run;
  }

  /** Bytes of the line that is not whole yet; valid until the next push. */
  get pending(): Buffer {
    return this.#carry.subarray(0, this.#carried);
  }

  get heldBytes(): number {
    return this.#carried;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let feed = chunk.indexOf(LF); feed >= 0; feed = chunk.indexOf(LF, from)) {
      this.#line(chunk, from, feed);
      from = feed + 1;
    }
    if (from < chunk.length) this.#keep(chunk, from, chunk.length);
  }

  /** Treats the line that is not whole yet as one that exceeds the limit. */
  giveUp(): void {
    if (this.#carried === 0) return;
    this.#run(this.#carry, 0, this.#carried, false);
    this.#oversized = true;
    this.#drop();
  }

  /** The stream is over: what is left is a line without its end. */
  end(): void {
    if (this.#carried > 0) this.#run(this.#carry, 0, this.#carried, true);
    this.#drop();
  }

  #line(chunk: Buffer, from: number, to: number): void {
    if (this.#carried === 0 && !this.#oversized && to - from <= this.#lineBytesMax) {
      if (to > from) this.#run(chunk, from, to, true);
      return;
    }
    if (to > from) this.#keep(chunk, from, to);
    this.end();
    this.#oversized = false;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (this.#oversized || this.#carried + to - from > this.#lineBytesMax) {
      this.giveUp();
      this.#run(chunk, from, to, false);
      this.#oversized = true;
      return;
    }
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
