/** Counts texts piece by piece, and gives up once their deadline has passed. */
import { textPieces } from './text-pieces.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The deadline passed while text was counted. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

export class TextCount {
  readonly #tokenizer: Tokenizer;
  readonly #isOver: () => boolean;
  #wasCutThrough = false;
  /** The last piece that was cut out of a run: what repeats itself is counted once. */
  #lastOfRun = { text: '', tokens: 0 };

  /** `isOver`: whether the deadline has passed; asked once per piece. */
  constructor(tokenizer: Tokenizer, isOver: () => boolean) {
    this.#tokenizer = tokenizer;
    this.#isOver = isOver;
  }

  /** Whether a run was so long that it was cut: then the sum is not exact. */
  get wasCutThrough(): boolean {
    return this.#wasCutThrough;
  }

  /** Tokens of a text that stands alone. Half characters are counted as what they become in UTF-8. Throws `DeadlinePassed`. */
  of(text: string): number {
    let tokens = 0;
    for (const piece of textPieces(text.toWellFormed())) {
      if (this.#isOver()) throw new DeadlinePassed();
      tokens += piece.isCutThrough ? this.#ofRun(piece.text) : this.#tokenizer.count(piece.text);
    }
    return tokens;
  }

  #ofRun(text: string): number {
    this.#wasCutThrough = true;
    if (text !== this.#lastOfRun.text) this.#lastOfRun = { text, tokens: this.#tokenizer.count(text) };
    return this.#lastOfRun.tokens;
  }
}
