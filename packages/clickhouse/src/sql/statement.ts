/** What an HTTP server must know of a statement before the engine sees it: where inline data begins, which format the answer has, and what is refused.
 *  Reads SQL as latin1, one character per byte, so that offsets count bytes. */
import { type Token, tokenizeCode } from './tokens.ts';

export type Statement =
  /** `INSERT … FORMAT x` or `INSERT … VALUES`: the data begin at `dataStart`. */
  | { readonly kind: 'insert_data'; readonly headEnd: number; readonly dataStart: number; readonly format: string }
  /** `INSERT … SELECT`: rows are written, none come back. */
  | { readonly kind: 'insert_select'; readonly end: number; readonly usesInput: boolean }
  /** `KILL QUERY WHERE condition`; offsets of the condition. */
  | {
      readonly kind: 'kill_query';
      readonly conditionStart: number;
      readonly conditionEnd: number;
      readonly mode: KillMode;
      readonly format: string;
    }
  /** Everything else. `format` is `''` unless the statement names one; `end` leaves a final semicolon out. */
  | { readonly kind: 'query'; readonly end: number; readonly format: string }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'empty' };

export type KillMode = 'ASYNC' | 'SYNC' | 'TEST';

export type RefusalReason = 'several_statements' | 'file_on_server' | 'semicolon_before_data' | 'kill_without_condition';

/** `sql` may hold the data of an insert behind its head: tokens are read no further than needed. */
export function readStatement(sql: string): Statement {
  const tokens = tokenizeCode(sql);
  const first = tokens.next();
  if (first.done) return { kind: 'empty' };
  if (isWord(first.value, 'INSERT')) return readInsert(sql, tokens);
  const rest = [...tokens];
  if (isWord(first.value, 'KILL') && isWord(rest[0], 'QUERY')) return readKill(rest.slice(1));
  return readQuery([first.value, ...rest]);
}

function readInsert(sql: string, tokens: Iterator<Token, void>): Statement {
  const rest: Token[] = [];
  let depth = 0;
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const token = next.value;
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    const before = rest.at(-1);
    // A table may be called as it likes.
    if (isWord(before, 'INTO') || isWord(before, 'TABLE') || before?.text === '.') {
      rest.push(token);
      continue;
    }
    if (depth === 0 && isWord(token, 'FORMAT')) return readInlineData(sql, tokens.next().value);
    if (depth === 0 && isWord(token, 'VALUES')) return { kind: 'insert_data', headEnd: token.end, dataStart: token.end, format: 'Values' };
    if (depth === 0 && isWord(token, 'INFILE')) return { kind: 'refused', reason: 'file_on_server' };
    rest.push(token);
    if (isWord(token, 'SELECT') || isWord(token, 'WITH')) break;
  }
  for (let next = tokens.next(); !next.done; next = tokens.next()) rest.push(next.value);
  const query = readQuery(rest);
  if (query.kind !== 'query') return query;
  return {
    kind: 'insert_select',
    end: query.end,
    usesInput: rest.some((token, at) => isWord(token, 'INPUT') && rest[at + 1]?.text === '('),
  };
}

/** Data begin behind the format's name and one line break, or behind the spaces when they follow on the same line. */
function readInlineData(sql: string, format: Token | void): Statement {
  if (!format) return { kind: 'query', end: sql.length, format: '' };
  let at = format.end;
  while (sql[at] === ' ' || sql[at] === '\t' || sql[at] === '\f') at++;
  if (sql[at] === ';') return { kind: 'refused', reason: 'semicolon_before_data' };
  if (sql[at] === '\r') at++;
  if (sql[at] === '\n') at++;
  return { kind: 'insert_data', headEnd: format.end, dataStart: at, format: format.text };
}

function readKill(tokens: readonly Token[]): Statement {
  const query = readQuery(tokens);
  if (query.kind !== 'query') return query;
  const where = tokens.findIndex((token) => isWord(token, 'WHERE'));
  const last = tokens.findLastIndex((token) => token.end <= query.end && !isFormatPart(tokens, token, query.format));
  if (where === -1 || last <= where) return { kind: 'refused', reason: 'kill_without_condition' };
  const mode = (['ASYNC', 'SYNC', 'TEST'] as const).find((word) => isWord(tokens[last], word));
  const conditionEnd = mode === undefined ? tokens[last]!.end : tokens[last - 1]!.end;
  return { kind: 'kill_query', conditionStart: tokens[where]!.end, conditionEnd, mode: mode ?? 'ASYNC', format: query.format };
}

function isFormatPart(tokens: readonly Token[], token: Token, format: string): boolean {
  if (format === '') return false;
  const name = tokens.findLastIndex((other) => other.text === format);
  return token === tokens[name] || token === tokens[name - 1];
}

function readQuery(tokens: readonly Token[]): Statement {
  const semicolon = tokens.findIndex((token) => token.text === ';');
  if (semicolon !== -1 && tokens.slice(semicolon).some((token) => token.text !== ';'))
    return { kind: 'refused', reason: 'several_statements' };
  const code = semicolon === -1 ? tokens : tokens.slice(0, semicolon);
  if (code.some((token, at) => isWord(token, 'INTO') && isWord(code[at + 1], 'OUTFILE')))
    return { kind: 'refused', reason: 'file_on_server' };
  const format = code.findLastIndex((token) => isWord(token, 'FORMAT'));
  const name = format === -1 ? undefined : code[format + 1];
  const named = name?.kind === 'word' && (code.length === format + 2 || isWord(code[format + 2], 'SETTINGS'));
  return { kind: 'query', end: code.at(-1)?.end ?? 0, format: named ? name.text : '' };
}

export function isWord(token: Token | undefined | void, word: string): boolean {
  return token !== undefined && token.kind === 'word' && token.text.length === word.length && token.text.toUpperCase() === word;
}
