import { expect, test } from 'vitest';
import { readForm } from './form.ts';

const TYPE = 'multipart/form-data; boundary="b-1"';
const part = (disposition: string, value: string): string => `--b-1\r\nContent-Disposition: ${disposition}\r\n\r\n${value}\r\n`;
const form = (...parts: readonly string[]): Buffer => Buffer.from(`${parts.join('')}--b-1--\r\n`);

test('fields are read with their line breaks and characters', () => {
  const body = form(
    part('form-data; name="query"', 'SELECT\r\n1'),
    part('form-data; name="param_s"', 'ünï\n--b-2\r\n'),
    part('form-data; name="empty"', ''),
  );
  expect(readForm(body, TYPE)).toEqual([
    ['query', 'SELECT\r\n1'],
    ['param_s', 'ünï\n--b-2\r\n'],
    ['empty', ''],
  ]);
});

test('a file is refused: it would be an external table', () => {
  expect(() => readForm(form(part('form-data; name="t"; filename="t.csv"', '1')), TYPE)).toThrow(
    expect.objectContaining({ engineName: 'NOT_IMPLEMENTED' }),
  );
});

test('what is no form, or is cut off, is refused', () => {
  for (const body of [Buffer.from('SELECT 1'), Buffer.from(part('form-data; name="query"', 'SELECT 1')), form('--b-1\r\n\r\nnameless\r\n')])
    expect(() => readForm(body, TYPE)).toThrow(expect.objectContaining({ engineName: 'BAD_ARGUMENTS' }));
  expect(() => readForm(form(), 'multipart/form-data')).toThrow(expect.objectContaining({ engineName: 'BAD_ARGUMENTS' }));
});
