/** Cuts text into pieces that a tokenizer takes in bounded time: at places where no token can reach across, so that the sum over pieces is the count of the
 *  whole, and through runs that are too long, where it is not quite.
 *
 *  Tokenizers split text into runs of letters, of spaces and of signs before they merge; their time grows with the square of such a run. */

export interface TextPiece {
  readonly text: string;
  /** What the cut behind it did: `clean` parted no token, `through` may have, and so may `in_run`, of which the piece itself is a part. */
  readonly cut: 'clean' | 'through' | 'in_run';
}

/** Characters of one kind in a row, beyond which they are cut. Prose has runs of some tens. */
const RUN_CHARS_MAX = 500;
/** Such a run is cut into pieces of so many: twice as many would take four times as long. */
export const RUN_PIECE_CHARS = 100;
/** Characters after which a place to cut is looked for, so that a deadline is met within a piece's time. */
export const PIECE_CHARS = 4_096;
/** Where no such place came: then it is cut wherever kinds of characters change. */
const PIECE_CHARS_MAX = 16_384;

const LETTER = 1;
const SPACE = 2;
const SIGN = 3;
/** Digits are split into threes, or one by one, by every vocabulary: a text of digits alone is cut all the same. */
const DIGIT = 4;
const kinds = new Uint8Array(0x10000);

/** Halves of characters beyond the basic plane count as letters: most are ideographs, and a run of others may be cut as well. */
function kindOf(unit: number): number {
  const known = kinds[unit] as number;
  if (known !== 0) return known;
  const text = String.fromCharCode(unit);
  const isHalf = unit >= 0xd800 && unit <= 0xdfff;
  const kind = isHalf || /[\p{L}\p{M}]/u.test(text) ? LETTER : /\s/u.test(text) ? SPACE : /\p{N}/u.test(text) ? DIGIT : SIGN;
  kinds[unit] = kind;
  return kind;
}

/** Their texts, joined, are `text`. Characters are never parted. */
export function* textPieces(text: string): Generator<TextPiece> {
  let start = 0;
  let runStart = 0;
  let runKind = 0;
  let runCharsMax = RUN_CHARS_MAX;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const kind = kindOf(unit);
    if (kind !== runKind) {
      runKind = kind;
      runStart = at;
      runCharsMax = RUN_CHARS_MAX;
      const isGap = at - start >= PIECE_CHARS && isGapBefore(text, at);
      if (isGap || at - start >= PIECE_CHARS_MAX) {
        yield { text: text.slice(start, at), cut: isGap ? 'clean' : 'through' };
        start = at;
      }
    }
    if (at - runStart < runCharsMax || isSecondHalf(unit)) continue;
    if (runStart > start) yield { text: text.slice(start, runStart), cut: 'through' };
    yield* runPieces(text, runStart, at);
    start = at;
    runStart = at;
    runCharsMax = RUN_PIECE_CHARS;
  }
  if (start < text.length) yield { text: text.slice(start), cut: 'clean' };
}

function* runPieces(text: string, from: number, to: number): Generator<TextPiece> {
  let start = from;
  while (start < to) {
    let end = Math.min(start + RUN_PIECE_CHARS, to);
    if (isSecondHalf(text.charCodeAt(end))) end += 1;
    yield { text: text.slice(start, end), cut: 'in_run' };
    start = end;
  }
}

/** Where every vocabulary here parts its tokens: before one blank between two letters (it belongs to the word behind it), between a line's end and a letter, and
 *  between an ideograph and a sign. */
function isGapBefore(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  const kind = kindOf(after);
  if (kind === SPACE)
    return text[at] === ' ' && kindOf(before) === LETTER && at + 1 < text.length && kindOf(text.charCodeAt(at + 1)) === LETTER;
  if (kind === LETTER) return text[at - 1] === '\n';
  return kind === SIGN && isIdeograph(before);
}

function isIdeograph(unit: number): boolean {
  return (unit >= 0x4e00 && unit <= 0x9fff) || (unit >= 0xac00 && unit <= 0xd7a3);
}

function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
