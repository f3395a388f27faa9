import { AppError } from '@tokenledger/domain';
import { ConfigError } from '@tokenledger/runtime';
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { endingOf, problemLines } from './exit.ts';

test('a wrong setting ends with 2 and one line, whatever the message was made of', () => {
  expect(endingOf(new AppError('PORT_TAKEN', 'admin.port 1 is taken:\n  stop it'))).toEqual({
    code: 2,
    text: 'tokenledger: admin.port 1 is taken: stop it',
  });
});

test('a dependency that failed ends with 1 and one line', () => {
  expect(endingOf(new AppError('CLICKHOUSE_UNREACHABLE', 'no answer'))).toEqual({ code: 1, text: 'tokenledger: no answer' });
});

test('a defect keeps its stack', () => {
  const ending = endingOf(new TypeError('x is not a function'));
  expect(ending.code).toBe(1);
  expect(ending.text).toMatch(/^tokenledger: unexpected error: TypeError: x is not a function\n {4}at /);
});

test('a credential in a message is not printed', () => {
  expect(endingOf(new AppError('QUERY_FAILED', `bad key sk-proj-${'a1'.repeat(12)}`)).text).toBe('tokenledger: bad key [redacted]');
});

test('--help ends with 0, a wrong option with 2', () => {
  expect(endingOf(new CommanderError(0, 'commander.helpDisplayed', '')).code).toBe(0);
  expect(endingOf(new CommanderError(1, 'commander.unknownOption', '')).code).toBe(2);
});

test('a config check prints each problem on a line of its own', () => {
  const problem = (path: string) => ({ origin: { kind: 'default' }, path, why: 'is wrong', fix: 'correct it' }) as const;
  expect(problemLines(new ConfigError([problem('a.b'), problem('c.d')]))).toBe(
    'tokenledger: a.b is wrong; correct it\ntokenledger: c.d is wrong; correct it',
  );
});
