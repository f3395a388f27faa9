/** Bytes that come in pieces, however small: a body of single bytes would take a hundred times its size if each were kept. */

/** So many are joined into one. */
const PIECES_MAX = 1024;

export class Pieces {
  #pieces: Buffer[] = [];
  readonly #blocks: Buffer[] = [];

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    if (this.#pieces.length < PIECES_MAX) return;
    this.#blocks.push(Buffer.concat(this.#pieces));
    this.#pieces = [];
  }

  clear(): void {
    this.#pieces = [];
    this.#blocks.length = 0;
  }

  /** All of them. What came as one piece is not copied. */
  joined(): Buffer {
    const parts = this.#blocks.length === 0 ? this.#pieces : [...this.#blocks, ...this.#pieces];
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }
}
