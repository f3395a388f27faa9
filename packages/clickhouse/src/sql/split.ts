/** Splits a file of SQL into its statements. */
import { tokenize } from './tokens.ts';

export interface SqlStatement {
  /** Without the semicolon, and without comments before its first token. */
  readonly text: string;
  /** Line of its first token in the file, from 1. */
  readonly line: number;
}

/** Statements end at a semicolon outside of strings, quoted names and comments, or at the end. Empty ones are left out. */
export function splitStatements(sql: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  let start = -1;
  let end = -1;
  const close = (): void => {
    if (start !== -1) statements.push({ text: sql.slice(start, end), line: lineOf(sql, start) });
    start = -1;
  };
  for (const token of tokenize(sql)) {
    if (token.kind === 'comment') continue;
    if (token.kind === 'symbol' && token.text === ';') {
      close();
      continue;
    }
    if (start === -1) start = token.start;
    end = token.end;
  }
  close();
  return statements;
}

function lineOf(sql: string, offset: number): number {
  let line = 1;
  for (let at = sql.indexOf('\n'); at !== -1 && at < offset; at = sql.indexOf('\n', at + 1)) line++;
  return line;
}
