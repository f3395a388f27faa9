import { expect, test } from 'vitest';
import { readRequest } from './request.ts';

const read = (search: string, headers: Readonly<Record<string, string>> = {}, method = 'POST') =>
  readRequest(method, new URLSearchParams(search), headers, () => 'new-id');

test("the URL's parameters are sorted into query, parameters, settings and the interface's own", () => {
  const request = read(
    'query=SELECT+1&database=d&default_format=JSON&query_id=q&param_a=1&param_b=x&max_threads=2&user=u&password=p&wait_end_of_query=1&enable_http_compression=1',
  );
  expect(request).toMatchObject({
    sql: 'SELECT 1',
    database: 'd',
    format: 'JSON',
    queryId: 'q',
    readOnly: false,
    compressAnswer: true,
    session: undefined,
  });
  expect([...request.params]).toEqual([
    ['a', '1'],
    ['b', 'x'],
  ]);
  expect([...request.settings]).toEqual([
    ['max_threads', '2'],
    ['enable_http_compression', '1'],
  ]);
});

test('headers stand in for what the URL does not say', () => {
  const headers = { 'x-clickhouse-database': 'd', 'x-clickhouse-format': 'CSV' };
  expect(read('', headers)).toMatchObject({ database: 'd', format: 'CSV', queryId: 'new-id' });
  expect(read('database=e&default_format=TSV', headers)).toMatchObject({ database: 'e', format: 'TSV' });
});

test('whatever is not a POST may read only', () => {
  expect(read('query=SELECT+1', {}, 'GET').readOnly).toBe(true);
  expect(read('query=SELECT+1', {}, 'HEAD').readOnly).toBe(true);
});

test('names that could end a SET are refused', () => {
  for (const search of ['a%3D1%2Cb=2', 'param_a%27=1', 'a`b=1', '=1'])
    expect(() => read(search)).toThrow(expect.objectContaining({ engineName: 'UNKNOWN_SETTING' }));
});

test('a session has a time within bounds', () => {
  expect(read('session_id=s').session).toEqual({ id: 's', timeoutMs: 60_000, check: false });
  expect(read('session_id=s&session_timeout=5&session_check=1').session).toEqual({ id: 's', timeoutMs: 5_000, check: true });
  for (const timeout of ['0', '-1', '3601', 'x'])
    expect(() => read(`session_id=s&session_timeout=${timeout}`)).toThrow(expect.objectContaining({ engineName: 'BAD_ARGUMENTS' }));
});

test("ClickHouse's own block compression is refused", () => {
  expect(() => read('compress=1')).toThrow(expect.objectContaining({ engineName: 'NOT_IMPLEMENTED' }));
  expect(read('compress=0').settings.size).toBe(0);
});
