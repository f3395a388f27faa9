import { expect, test } from 'vitest';
import { readStatement } from './statement.ts';

function dataOf(sql: string): readonly [format: string, head: string, data: string] {
  const statement = readStatement(sql);
  if (statement.kind !== 'insert_data') throw new Error(`read as ${statement.kind}`);
  return [statement.format, sql.slice(0, statement.headEnd), sql.slice(statement.dataStart)];
}

test('the data of an insert begin behind the format and one line break', () => {
  expect(dataOf('INSERT INTO t FORMAT JSONEachRow\n{"a":1}')).toEqual(['JSONEachRow', 'INSERT INTO t FORMAT JSONEachRow', '{"a":1}']);
  expect(dataOf('insert into t (a) format CSV \r\n\n1')).toEqual(['CSV', 'insert into t (a) format CSV', '\n1']);
  expect(dataOf('INSERT INTO t FORMAT CSV 1')).toEqual(['CSV', 'INSERT INTO t FORMAT CSV', '1']);
  expect(dataOf('INSERT INTO t (`format`) SETTINGS a = 1 FORMAT TSV')).toEqual([
    'TSV',
    'INSERT INTO t (`format`) SETTINGS a = 1 FORMAT TSV',
    '',
  ]);
  expect(dataOf("INSERT INTO t VALUES (1, 'FORMAT CSV')")).toEqual(['Values', 'INSERT INTO t VALUES', " (1, 'FORMAT CSV')"]);
  expect(dataOf('/* c */ INSERT INTO t -- FORMAT X\n FORMAT RowBinary\n\0\0')).toEqual([
    'RowBinary',
    '/* c */ INSERT INTO t -- FORMAT X\n FORMAT RowBinary',
    '\0\0',
  ]);
});

test('a table may be called like a keyword', () => {
  expect(dataOf('INSERT INTO values (n) FORMAT CSV\n1')).toEqual(['CSV', 'INSERT INTO values (n) FORMAT CSV', '1']);
  expect(dataOf('INSERT INTO TABLE d.format VALUES (1)')).toEqual(['Values', 'INSERT INTO TABLE d.format VALUES', ' (1)']);
});

test('data are not read for SQL', () => {
  expect(dataOf("INSERT INTO t FORMAT TSV\n; SELECT 'open")).toEqual(['TSV', 'INSERT INTO t FORMAT TSV', "; SELECT 'open"]);
});

test('an INSERT … SELECT has no data, and tells when it wants some', () => {
  expect(readStatement('INSERT INTO t SELECT 1;')).toEqual({ kind: 'insert_select', end: 22, usesInput: false });
  expect(readStatement("INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV 1")).toMatchObject({
    kind: 'insert_select',
    usesInput: true,
  });
  expect(readStatement('INSERT INTO t WITH 1 AS a SELECT input FROM u')).toMatchObject({ kind: 'insert_select', usesInput: false });
});

test('the format of a query is the last one it names', () => {
  const formatOf = (sql: string): unknown => {
    const statement = readStatement(sql);
    return statement.kind === 'query' ? statement.format : statement.kind;
  };
  expect(formatOf('SELECT 1 FORMAT JSON')).toBe('JSON');
  expect(formatOf('SELECT 1 FORMAT JSON;\n-- end')).toBe('JSON');
  expect(formatOf('SELECT 1 FORMAT JSON SETTINGS a = 1')).toBe('JSON');
  expect(formatOf("SELECT format('{}', a) FROM t")).toBe('');
  expect(formatOf("SELECT 'FORMAT JSON'")).toBe('');
  expect(formatOf('SELECT 1 -- FORMAT JSON')).toBe('');
  expect(formatOf('SELECT format FROM t')).toBe('');
});

test('a semicolon ends the statement, and what follows is refused', () => {
  expect(readStatement('SELECT 1; ;')).toEqual({ kind: 'query', end: 8, format: '' });
  for (const sql of ['SELECT 1; SELECT 2', 'SET a = 1; DROP TABLE t', 'INSERT INTO t SELECT 1; SELECT 2'])
    expect(readStatement(sql)).toEqual({ kind: 'refused', reason: 'several_statements' });
  expect(readStatement('INSERT INTO t FORMAT CSV; 1')).toEqual({ kind: 'refused', reason: 'semicolon_before_data' });
});

test('files of the server are refused', () => {
  expect(readStatement("SELECT 1 INTO OUTFILE 'x'")).toEqual({ kind: 'refused', reason: 'file_on_server' });
  expect(readStatement("INSERT INTO t FROM INFILE 'x' FORMAT CSV")).toEqual({ kind: 'refused', reason: 'file_on_server' });
});

test('a KILL QUERY is read into its condition, mode and format', () => {
  const read = (sql: string): unknown => {
    const statement = readStatement(sql);
    if (statement.kind !== 'kill_query') return statement;
    return [sql.slice(statement.conditionStart, statement.conditionEnd).trim(), statement.mode, statement.format];
  };
  expect(read("KILL QUERY WHERE query_id = 'x'")).toEqual(["query_id = 'x'", 'ASYNC', '']);
  expect(read("kill query where startsWith(query_id, 'a/b') sync;")).toEqual(["startsWith(query_id, 'a/b')", 'SYNC', '']);
  expect(read("KILL QUERY WHERE user = 'u' TEST FORMAT JSON")).toEqual(["user = 'u'", 'TEST', 'JSON']);
  expect(read("KILL QUERY WHERE query = 'JSON' FORMAT JSON")).toEqual(["query = 'JSON'", 'ASYNC', 'JSON']);
  expect(read('KILL QUERY')).toEqual({ kind: 'refused', reason: 'kill_without_condition' });
  expect(read('KILL QUERY WHERE')).toEqual({ kind: 'refused', reason: 'kill_without_condition' });
  expect(readStatement('KILL MUTATION WHERE 1')).toMatchObject({ kind: 'query' });
});

test('comments alone are no statement', () => {
  expect(readStatement(' -- nothing\n/* here */ ')).toEqual({ kind: 'empty' });
});
