/** Forgives a comma after the last member or element: JSON forbids it, and some providers read it all the same (Writer does), so that a client would notice that somebody stands between. */

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** `json` without such commas; itself when it has none. */
export function withoutTrailingCommas(json: string): string {
  const pieces: string[] = [];
  let kept = 0;
  let comma = -1;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code <= SPACE) continue;
    if (comma >= 0 && (code === CLOSE_BRACE || code === CLOSE_BRACKET)) {
      pieces.push(json.slice(kept, comma));
      kept = comma + 1;
    }
    comma = code === COMMA ? at : -1;
    if (code === QUOTE) at = lastOfString(json, at);
  }
  return kept === 0 ? json : pieces.join('') + json.slice(kept);
}

/** Offset of the quote that ends the string which begins at `at`; the text's length when none does. */
function lastOfString(json: string, at: number): number {
  for (at++; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  return json.length;
}
