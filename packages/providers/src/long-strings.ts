/** Shortens the long strings of a JSON text before it is parsed: in a large body nearly all bytes stand in a few texts, of which nothing is asked. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Shorter texts are as quickly parsed. */
const TEXT_BYTES_MIN = 24_576;
/** A string beyond this keeps its two ends and tells its length, so that equal strings stay equal and unequal ones nearly always unequal. */
const STRING_BYTES_MAX = 16_384;
const END_BYTES = 4_096;
/** Where a text is dense with quotes, looking for them one by one takes longer than parsing. */
const QUOTES_FREE = 128;
const BYTES_PER_QUOTE = 128;
/** The longest escape, `\u` and four digits: no cut is made so near to a backslash. */
const ESCAPE_BYTES = 6;

/** The same text with its long strings shortened; itself when there is nothing to gain. What is cut out is not looked at: it may be anything but a quote. */
export function withoutLongStrings(json: Buffer): Buffer {
  if (json.length < TEXT_BYTES_MIN) return json;
  const pieces: Buffer[] = [];
  let kept = 0;
  let quotes = 0;
  for (let open = json.indexOf(QUOTE); open >= 0;) {
    let close = open;
    do {
      close = json.indexOf(QUOTE, close + 1);
      quotes += 1;
      if (close < 0 || (quotes > QUOTES_FREE && quotes * BYTES_PER_QUOTE > close)) return json;
    } while (isEscaped(json, close));
    if (close - open > STRING_BYTES_MAX) {
      const from = cutBefore(json, open + 1 + END_BYTES);
      const to = cutBefore(json, close - END_BYTES);
      if (from < 0 || to < 0) return json;
      pieces.push(json.subarray(kept, from), Buffer.from(`[${to - from}]`));
      kept = to;
    }
    open = json.indexOf(QUOTE, close + 1);
  }
  if (pieces.length === 0) return json;
  pieces.push(json.subarray(kept));
  return Buffer.concat(pieces);
}

/** An odd number of backslashes stands before it. */
function isEscaped(json: Buffer, at: number): boolean {
  let before = at - 1;
  while (json[before] === BACKSLASH) before -= 1;
  return (at - before) % 2 === 0;
}

/** The nearest place at or before `at` that is inside neither a character nor an escape; -1 when the bytes before it are full of escapes. */
function cutBefore(json: Buffer, at: number): number {
  for (let cut = at; cut > at - END_BYTES / 2; cut--) {
    if (isInsideCharacter(json[cut] as number)) continue;
    const slash = json.subarray(cut - ESCAPE_BYTES, cut).lastIndexOf(BACKSLASH);
    if (slash < 0) return cut;
    cut -= ESCAPE_BYTES - 1 - slash;
  }
  return -1;
}

/** A byte of UTF-8 that continues what an earlier one began. */
function isInsideCharacter(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
