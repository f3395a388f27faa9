/** Gathers a JSON answer's bytes as latin1 text, bounded. */

/** Pieces are joined when this many have come, so that tiny chunks cost no more memory than their bytes. */
const PIECES_MAX = 1024;
const SPACE = 0x20;

export class JsonText {
  readonly #bytesMax: number;
  #pieces: string[] = [];
  readonly #blocks: string[] = [];
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
    this.#pieces.push(chunk.toString('latin1'));
    if (this.#pieces.length < PIECES_MAX) return;
    this.#blocks.push(this.#pieces.join(''));
    this.#pieces = [];
  }

  #letGo(): void {
    this.#pieces.length = 0;
    this.#blocks.length = 0;
  }

  text(): string {
    if (this.#blocks.length === 0 && this.#pieces.length === 1) return this.#pieces[0] as string;
    return this.#blocks.join('') + this.#pieces.join('');
  }
}
