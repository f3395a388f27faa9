import { expect, test } from 'vitest';
import { textTable } from './text-table.ts';

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  const table = textTable(
    ['ID', 'NAME', 'TEAM'],
    [
      ['ada', 'Ada Lovelace', 'search'],
      ['grace-hopper', 'Grace', undefined],
    ],
  );
  expect(table).toBe(
    ['ID            NAME          TEAM', 'ada           Ada Lovelace  search', 'grace-hopper  Grace         -'].join('\n'),
  );
});

test('a cell with line breaks stays on its line, and an empty one can be seen', () => {
  expect(textTable(['A', 'B'], [['one\ntwo', '']])).toBe('A        B\none two  -');
});

test('without rows the heading is left', () => {
  expect(textTable(['ID', 'NAME'], [])).toBe('ID  NAME');
});
