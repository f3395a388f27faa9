import { expect, test } from 'vitest';
import { EngineError, formatEngineError, toHttpStatus } from './engine-error.ts';

test("the engine's message is taken apart and put together as the server has it", () => {
  const error = EngineError.from(
    new Error('Query failed: Code: 60. DB::Exception: Table default.t (x) does not exist.\nReally. (UNKNOWN_TABLE)\n'),
  );
  expect(error).toMatchObject({ engineCode: 60, engineName: 'UNKNOWN_TABLE', message: 'Table default.t (x) does not exist.\nReally.' });
  expect(formatEngineError(error, '26.7')).toBe(
    'Code: 60. DB::Exception: Table default.t (x) does not exist.\nReally. (UNKNOWN_TABLE) (version 26.7 (chDB))\n',
  );
  expect(toHttpStatus(error)).toBe(404);
});

test('a message that is none of the engine is an unknown exception', () => {
  const error = EngineError.from(new Error('Out of memory'));
  expect([error.engineCode, error.engineName, error.message, toHttpStatus(error)]).toEqual([
    1002,
    'UNKNOWN_EXCEPTION',
    'Out of memory',
    500,
  ]);
});

test('refusals have the numbers and statuses of ClickHouse', () => {
  const seen = (
    ['SYNTAX_ERROR', 'NOT_IMPLEMENTED', 'ACCESS_DENIED', 'TOO_MANY_BYTES', 'TOO_MANY_SIMULTANEOUS_QUERIES', 'QUERY_WAS_CANCELLED'] as const
  ).map((name) => {
    const error = EngineError.refusal(name, 'no');
    return [error.engineCode, toHttpStatus(error)];
  });
  expect(seen).toEqual([
    [62, 400],
    [48, 501],
    [497, 403],
    [307, 413],
    [202, 503],
    [394, 500],
  ]);
});
