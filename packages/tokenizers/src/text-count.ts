/** Counts texts piece by piece, and gives up once their deadline has passed. What is hostile to tokenizers is counted in part and estimated from that. */
import { textPieces } from './text-pieces.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Characters of overlong runs that are counted; what comes after them in such runs is taken to be alike. */
const RUN_SAMPLE_CHARS = 10_000;

/** The deadline passed while text was counted. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

export class TextCount {
  readonly #tokenizer: Tokenizer;
  readonly #isOver: () => boolean;
  #wasCutThrough = false;
  /** Of pieces that were cut out of runs: characters and tokens that were counted. */
  #runChars = 0;
  #runTokens = 0;

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
      this.#wasCutThrough ||= piece.cut !== 'clean';
      tokens += piece.cut === 'in_run' ? this.#ofRun(piece.text) : this.#tokenizer.count(piece.text);
    }
    return Math.round(tokens);
  }

  #ofRun(text: string): number {
    if (this.#runChars >= RUN_SAMPLE_CHARS) return (text.length * this.#runTokens) / this.#runChars;
    const tokens = this.#tokenizer.count(text);
    this.#runChars += text.length;
    this.#runTokens += tokens;
    return tokens;
  }
}
