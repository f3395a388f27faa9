import { expect, test } from 'vitest';
import { AppError, invariant, InvariantError, isRejected, rejected } from './errors.ts';

test('a rejection is told from every other value', () => {
  expect(isRejected(rejected('CODE', 'why'))).toBe(true);
  for (const other of [undefined, null, 'rejected', 1n, {}, [], { kind: 'usage' }, new Error('rejected')])
    expect(isRejected(other)).toBe(false);
});

test('a dependency failure says whether trying again can help, and keeps its cause', () => {
  const cause = new Error('socket closed');
  const error = new AppError('LOG_AWAY', 'the log does not answer', { retryable: true, cause });
  expect(error).toMatchObject({ name: 'AppError', code: 'LOG_AWAY', retryable: true, cause });
  expect(new AppError('X', 'y').retryable).toBe(false);
  expect(Object.hasOwn(new AppError('X', 'y'), 'cause')).toBe(false);
});

test('a broken invariant is thrown, a kept one is not', () => {
  expect(() => invariant(0, 'numbers are contiguous')).toThrow(InvariantError);
  expect(() => invariant(0, 'numbers are contiguous')).toThrow('invariant broken: numbers are contiguous');
  expect(() => invariant('x', 'never said')).not.toThrow();
});
