/** A request's statement, found in the URL's query and the body, checked for what this server refuses. */
import { isUtf8 } from 'node:buffer';
import { readStatement, type RefusalReason, type Statement } from '../sql/statement.ts';
import { EngineError, type RefusalName } from './engine-error.ts';
import { findProcesses } from './processes.ts';

export type RunnableStatement = Exclude<Statement, { readonly kind: 'refused' | 'empty' }>;

export interface PlacedStatement {
  readonly statement: RunnableStatement;
  /** For an insert with data: its head alone. */
  readonly sql: string;
  /** The data of an insert, as they came. */
  readonly data: Buffer;
  /** Where `sql` names `system.processes`. */
  readonly processes: ReturnType<typeof findProcesses>;
}

const NOTHING = Buffer.alloc(0);

const REFUSALS: Readonly<Record<RefusalReason, readonly [RefusalName, string]>> = {
  several_statements: ['SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed): send one statement per request.'],
  file_on_server: ['NOT_IMPLEMENTED', 'INTO OUTFILE and FROM INFILE are done by clients, not by the server.'],
  semicolon_before_data: ['SYNTAX_ERROR', "You have excessive ';' symbol before data for INSERT."],
  kill_without_condition: ['SYNTAX_ERROR', 'Syntax error: KILL QUERY needs WHERE and a condition.'],
};

/** ClickHouse reads the URL's query, a line break and the body as one text. An insert whose head stands in the URL spares us that copy of its data.
 *  Throws `EngineError` for what is refused. */
export function placeStatement(urlSql: string, body: Buffer): PlacedStatement {
  const head = Buffer.from(urlSql, 'utf8');
  const inUrl = readStatement(head.toString('latin1'));
  if (inUrl.kind === 'insert_data' && inUrl.dataStart === head.length) return { statement: inUrl, sql: urlSql, data: body, processes: [] };
  return placeWhole(head.length === 0 ? body : body.length === 0 ? head : Buffer.concat([head, Buffer.from('\n'), body]));
}

function placeWhole(bytes: Buffer): PlacedStatement {
  // As latin1 first: the data of an insert may be anything, and offsets must count bytes.
  const inBytes = readStatement(bytes.toString('latin1'));
  if (inBytes.kind === 'insert_data')
    return { statement: inBytes, sql: decode(bytes.subarray(0, inBytes.headEnd)), data: bytes.subarray(inBytes.dataStart), processes: [] };
  const text = decode(bytes);
  const statement = readStatement(text);
  if (statement.kind === 'refused') throw EngineError.refusal(...REFUSALS[statement.reason]);
  if (statement.kind === 'empty') throw EngineError.refusal('SYNTAX_ERROR', 'Empty query.');
  if (statement.kind === 'insert_select' && statement.usesInput) throw EngineError.refusal('NOT_IMPLEMENTED', INPUT_REFUSED);
  return { statement, sql: text, data: NOTHING, processes: statement.kind === 'query' ? findProcesses(text) : [] };
}

const INPUT_REFUSED =
  'INSERT … SELECT … FROM input(…) is not supported here, because the embedded engine would silently insert nothing: ' +
  'insert the rows as they are with FORMAT, or into a staging table first.';

/** The engine takes SQL as a C string of UTF-8: anything else would be cut off or changed on the way. */
function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw EngineError.refusal('SYNTAX_ERROR', 'The query is not valid UTF-8.');
  if (bytes.includes(0)) throw EngineError.refusal('SYNTAX_ERROR', 'The query holds a NUL byte: write \\0 in a string instead.');
  return bytes.toString('utf8');
}
