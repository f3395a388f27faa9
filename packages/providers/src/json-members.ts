/** Where the members of a JSON object stand in its bytes, so that one can be changed without touching the others. */

/** Byte offsets; ends are exclusive, the key's span includes its quotes. */
export interface JsonMember {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Members of the object whose `{` is at `start`, in order, duplicates included. For bytes that are known to be JSON; undefined when they turn out not to be. */
export function objectMembers(bytes: Uint8Array, start: number, end: number): readonly JsonMember[] | undefined {
  if (bytes[start] !== OPEN_BRACE) return undefined;
  const members: JsonMember[] = [];
  let at = skipSpace(bytes, start + 1, end);
  if (bytes[at] === CLOSE_BRACE) return members;
  for (;;) {
    const keyStart = at;
    if (keyStart >= end || bytes[keyStart] !== QUOTE) return undefined;
    const keyEnd = skipString(bytes, keyStart, end);
    at = skipSpace(bytes, keyEnd, end);
    if (at >= end || bytes[at] !== COLON) return undefined;
    const valueStart = skipSpace(bytes, at + 1, end);
    const valueEnd = skipValue(bytes, valueStart, end);
    members.push({ keyStart, keyEnd, valueStart, valueEnd });
    at = skipSpace(bytes, valueEnd, end);
    if (at >= end) return undefined;
    if (bytes[at] === CLOSE_BRACE) return members;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1, end);
  }
}

/** The last member called `key`, which is the one that `JSON.parse` keeps. */
export function lastMember(bytes: Buffer, members: readonly JsonMember[], key: string): JsonMember | undefined {
  return members.findLast((member) => memberKey(bytes, member) === key);
}

/** First offset at or after `at` that is not JSON white space. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isSpace(bytes[at] as number)) at++;
  return at;
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function memberKey(bytes: Buffer, member: JsonMember): unknown {
  return JSON.parse(bytes.toString('utf8', member.keyStart, member.keyEnd));
}

/** Offset after the string whose opening quote is at `at`. */
export function skipString(bytes: Uint8Array, at: number, end: number): number {
  at++;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return end;
}

/** Offset after the value that starts at `at`. */
export function skipValue(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at, end);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, at, end);
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)) return at;
    at++;
  }
  return end;
}

function skipNested(bytes: Uint8Array, at: number, end: number): number {
  let depth = 0;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = skipString(bytes, at, end);
      continue;
    }
    at++;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at;
  }
  return end;
}
