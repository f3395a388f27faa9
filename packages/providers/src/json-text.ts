/** Gathers a JSON answer's bytes, bounded, and gives them as latin1 text. */
import { withoutLongStrings } from './long-strings.ts';

/** Pieces are joined when this many have come, so that tiny chunks cost no more memory than their bytes. */
const PIECES_MAX = 1024;
const SPACE = 0x20;

export class JsonText {
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  readonly #blocks: Buffer[] = [];
  #bytes = 0;
  #givenUp = false;
  #lastByte = SPACE;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** All that came, also beyond the bound. */
  get bytes(): number {
    return this.#bytes;
  }

  get tooLarge(): boolean {
    return this.#givenUp || this.#bytes > this.#bytesMax;
  }

  get heldBytes(): number {
    return this.tooLarge ? 0 : this.#bytes;
  }

  /** As if it were too large already. */
  giveUp(): void {
    this.#givenUp = true;
    this.#letGo();
  }

  /** The last byte that is not white space; a space when there is none. */
  get lastByte(): number {
    return this.#lastByte;
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    let at = chunk.length - 1;
    while (at >= 0 && (chunk[at] as number) <= SPACE) at--;
    if (at >= 0) this.#lastByte = chunk[at] as number;
    if (this.tooLarge) {
      this.#letGo();
      return;
    }
    this.#pieces.push(chunk);
    if (this.#pieces.length < PIECES_MAX) return;
    this.#blocks.push(Buffer.concat(this.#pieces));
    this.#pieces = [];
  }

  #letGo(): void {
    this.#pieces.length = 0;
    this.#blocks.length = 0;
  }

  /** Its long strings are shortened. */
  text(): string {
    const pieces = [...this.#blocks, ...this.#pieces];
    const whole = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    return withoutLongStrings(whole).toString('latin1');
  }
}
