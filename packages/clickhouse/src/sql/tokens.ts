/** Cuts ClickHouse SQL into tokens, as far as needed to tell code from strings, quoted names and comments.
 *  Offsets are those of the string given, so SQL read as latin1 gives byte offsets. Rules: https://clickhouse.com/docs/sql-reference/syntax */

export type TokenKind = 'word' | 'number' | 'string' | 'quoted_name' | 'symbol' | 'comment';

export interface Token {
  readonly kind: TokenKind;
  /** Offset of the first character. */
  readonly start: number;
  /** Offset behind the last character. */
  readonly end: number;
  readonly text: string;
}

const SPACE = /\s/;
const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER = /[0-9][0-9A-Za-z_.]*/y;
const HEREDOC_TAG = /\$[A-Za-z0-9_]*\$/y;

/** Yields all tokens, comments included, in order. An unterminated string or comment runs to the end. */
export function* tokenize(sql: string): Generator<Token, void> {
  let at = 0;
  while (at < sql.length) {
    if (SPACE.test(sql[at]!)) {
      at++;
      continue;
    }
    const { kind, end } = tokenAt(sql, at);
    yield { kind, start: at, end, text: sql.slice(at, end) };
    at = end;
  }
}

/** The tokens that the engine acts on. */
export function* tokenizeCode(sql: string): Generator<Token, void> {
  for (const token of tokenize(sql)) if (token.kind !== 'comment') yield token;
}

function tokenAt(sql: string, at: number): { readonly kind: TokenKind; readonly end: number } {
  const char = sql[at]!;
  const pair = sql.slice(at, at + 2);
  if (pair === '--' || pair === '# ' || pair === '#!') return { kind: 'comment', end: indexOrEnd(sql, '\n', at) };
  if (pair === '/*') return { kind: 'comment', end: indexBehind(sql, '*/', at + 2) };
  if (char === "'") return { kind: 'string', end: quotedEnd(sql, at) };
  if (char === '`' || char === '"') return { kind: 'quoted_name', end: quotedEnd(sql, at) };
  if (char === '$') {
    const tag = match(HEREDOC_TAG, sql, at);
    if (tag !== '' && sql.includes(tag, at + tag.length)) return { kind: 'string', end: indexBehind(sql, tag, at + tag.length) };
  }
  if (WORD_START.test(char)) return { kind: 'word', end: at + match(WORD, sql, at).length };
  if (char >= '0' && char <= '9') return { kind: 'number', end: at + match(NUMBER, sql, at).length };
  return { kind: 'symbol', end: at + 1 };
}

/** A quote is escaped by a backslash or by doubling it. */
function quotedEnd(sql: string, start: number): number {
  const quote = sql[start]!;
  for (let at = start + 1; at < sql.length; at++) {
    if (sql[at] === '\\') at++;
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return sql.length;
}

function match(pattern: RegExp, sql: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? '';
}

function indexOrEnd(sql: string, what: string, from: number): number {
  const index = sql.indexOf(what, from);
  return index === -1 ? sql.length : index;
}

function indexBehind(sql: string, what: string, from: number): number {
  const index = sql.indexOf(what, from);
  return index === -1 ? sql.length : index + what.length;
}
