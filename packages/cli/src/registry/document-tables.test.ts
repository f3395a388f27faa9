import { CONTROL_KINDS } from '@tokenledger/control';
import { expect, test } from 'vitest';
import { documentTable, keyState } from './document-tables.ts';
import { SAMPLE_KEY, SAMPLE_OWNER, sampleView } from './view-sample.ts';

const rows = (table: string): readonly (readonly string[])[] => table.split('\n').map((line) => line.split(/ {2,}/));

test('documents of all kinds are told apart by kind and id', () => {
  expect(rows(documentTable([SAMPLE_OWNER, SAMPLE_KEY], undefined))).toEqual([
    ['KIND', 'ID', 'VERSION', 'MANAGED BY', 'CHANGED', 'BY'],
    ['owner', 'ada', '3', 'api', '2026-11-21T12:00:00.000Z', 'ops'],
    ['virtual_key', 'bot', '3', 'api', '2026-11-21T12:00:00.000Z', 'ops'],
  ]);
});

test('keys show whose they are, their class and state, and nothing of their secrets but how many there are', () => {
  expect(rows(documentTable([SAMPLE_KEY], 'virtual_key'))[0]?.slice(0, 7)).toEqual([
    'ID',
    'TENANT',
    'PROJECT',
    'OWNER',
    'CLASS',
    'STATE',
    'SECRETS',
  ]);
  expect(rows(documentTable([SAMPLE_KEY], 'virtual_key'))[1]?.slice(0, 7)).toEqual([
    'bot',
    'acme',
    'chat',
    'ada',
    'sandbox',
    'in force',
    '1',
  ]);
});

test('a key that opens nothing says so', () => {
  const without = { revoked: false, secrets: [] };
  expect(keyState({ ...SAMPLE_KEY, key: { ...without, revoked: true } })).toBe('revoked');
  expect(keyState({ ...SAMPLE_KEY, key: without })).toBe('no secret');
});

test('a price book is told by its number, author, time and note', () => {
  const about = { number: 12, author: 'ann', note: 'autumn', at: '2026-09-01T00:00:00.000Z' };
  const books = [
    sampleView({ kind: 'price_book', id: 'a', about, characters: 9, sha256: 'x' }),
    sampleView({ kind: 'price_book', id: 'b', about: { ...about, number: null, note: '' }, characters: 9, sha256: 'x' }),
  ];
  expect(rows(documentTable(books, 'price_book')).map((row) => row.slice(0, 6))).toEqual([
    ['ID', 'NUMBER', 'AUTHOR', 'AT', 'NOTE', 'CHARACTERS'],
    ['a', '12', 'ann', '2026-09-01T00:00:00.000Z', 'autumn', '9'],
    ['b', '-', 'ann', '2026-09-01T00:00:00.000Z', '-', '9'],
  ]);
});

test('a list is one cell, and what is not there is a dash', () => {
  const channel = sampleView({
    kind: 'channel',
    id: 'c',
    provider: 'openai',
    surfaces: ['openai.chat', 'x'],
    base_url: 'https://a.example',
  });
  expect(rows(documentTable([channel], 'channel'))[1]?.slice(0, 6)).toEqual([
    'c',
    'openai',
    'openai.chat,x',
    'https://a.example',
    '-',
    '-',
  ]);
});

test('every kind has a table', () => {
  for (const kind of CONTROL_KINDS) expect(documentTable([sampleView({ kind, id: 'one' })], kind)).toContain('\none');
});
