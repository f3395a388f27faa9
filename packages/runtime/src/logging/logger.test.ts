import { describe, expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';
import { redactText } from './redaction.ts';

const OPENAI = `sk-proj-${'aB3_-'.repeat(12)}`;
const ANTHROPIC = `sk-ant-api03-${'x9'.repeat(30)}-AA`;
const OURS = `tlk_${'q7'.repeat(16)}`;
const SECRETS = [
  OPENAI,
  ANTHROPIC,
  OURS,
  'hunter2hunter2',
  'AKIAABCDEFGHIJKLMNOP',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
] as const;

function lines(
  format: LoggerOptions['format'],
  isTTY = false,
): { readonly logger: ReturnType<typeof createLogger>; readonly written: string[] } {
  const written: string[] = [];
  return { logger: createLogger({ level: 'info', format, output: { isTTY, write: (text) => written.push(text) } }), written };
}

describe.each(['json', 'text'] as const)('secrets in %s lines', (format) => {
  test.each([
    ['a header', (secret: string) => [{ headers: { authorization: secret } }, 'm'] as const],
    ['a header in another case', (secret: string) => [{ headers: { 'X-Api-Key': secret } }, 'm'] as const],
    ['a cookie', (secret: string) => [{ cookie: secret }, 'm'] as const],
    ['a list of cookies', (secret: string) => [{ 'set-cookie': [secret, secret] }, 'm'] as const],
    ['a flat list of headers', (secret: string) => [{ raw: ['host', 'h', 'x-api-key', secret] }, 'm'] as const],
    ['deep inside', (secret: string) => [{ a: [{ b: [{ password: secret }] }] }, 'm'] as const],
    ['JSON inside a string', (secret: string) => [{ body: JSON.stringify({ api_key: secret }) }, 'm'] as const],
    ['a message', (secret: string) => [{}, `upstream said authorization: Bearer ${secret}`] as const],
    [
      'an error and its cause',
      (secret: string) => [{ err: new Error(`Bearer ${secret}`, { cause: new Error(`password=${secret}`) }) }, 'm'] as const,
    ],
    ['a URL', (secret: string) => [{ url: `https://user:${secret}@host/path` }, 'm'] as const],
  ])('%s', (_name, entry) => {
    for (const secret of SECRETS) {
      const { logger, written } = lines(format);
      const [fields, message] = entry(secret);
      logger.info(fields, message);
      expect(written.join('')).not.toContain(secret);
      expect(written.join('')).toContain('[redacted]');
    }
  });
});

test('what only looks like a key is enough, whatever name it stands under', () => {
  for (const secret of [OPENAI, ANTHROPIC, OURS, SECRETS[4], SECRETS[5]]) {
    expect(redactText(`note ${secret}.`)).toBe('note [redacted].');
  }
});

test('ordinary text stays as it is', () => {
  const text = 'task-force-of-twelve took 12 ms at http://127.0.0.1:8123/ping; tokens: 15, key id: demo-key, cost 0.000003';
  expect(redactText(text)).toBe(text);
});

test('a redacted JSON line is still JSON', () => {
  const { logger, written } = lines('json');
  logger.warn({ headers: { authorization: 'a"b\\"c', cookie: ['x'] }, err: new Error('secret: "x"') }, 'm');
  expect(JSON.parse(written[0] ?? '')).toMatchObject({
    level: 40,
    msg: 'm',
    headers: { authorization: '[redacted]', cookie: '[redacted]' },
  });
});

test('auto writes text to a terminal and JSON elsewhere', () => {
  const terminal = lines('auto', true);
  terminal.logger.child({ role: 'writer' }).warn({ attempt: 2 }, 'ClickHouse does not answer');
  expect(terminal.written[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}warn {3}writer {2}ClickHouse does not answer {2}attempt=2\n$/);
  const pipe = lines('auto');
  pipe.logger.info('x');
  expect(JSON.parse(pipe.written[0] ?? '')).toMatchObject({ msg: 'x' });
});

test('a text line shows the stack of an error below it, and of a warning only the message', () => {
  const { logger, written } = lines('text');
  logger.error({ err: new Error('broken') }, 'failed');
  logger.warn({ err: new Error('busy') }, 'tried again');
  expect(written[0]).toMatch(/failed\n {4}Error: broken\n {8}at /);
  expect(written[1]).toMatch(/tried again\n {4}busy\n$/);
});
