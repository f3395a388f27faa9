import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook } from '@tokenledger/pricing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { importCommand } from './prices-import.ts';

const BOOK = `
about: { number: 4, author: ann }
sources: { page: { url: 'https://example.com/prices', date: 2026-01-02 } }
blocks:
  - { provider: openai, source: page, models: [a, b], effective_from: 2026-01-01, prices: { standard: { input: 3, output: 15 } } }
`;
const LIST = `{ "a": { "litellm_provider": "openai", "input_cost_per_token": 2.5e-06 }, "c": { "litellm_provider": "openai", "input_cost_per_token": 1e-06 } }`;

let directory: string;
let printed: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'prices-import-'));
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  writeFileSync(join(directory, 'book.yaml'), BOOK);
  writeFileSync(join(directory, 'list.json'), LIST);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

const run = (...options: readonly string[]): unknown =>
  importCommand().parse([join(directory, 'list.json'), '--into', join(directory, 'book.yaml'), ...options], { from: 'user' });

test('what would change is shown, and nothing is written', () => {
  run('--format', 'litellm', '--from', '2026-12-01');
  expect(printed.join('\n').split('\n')).toEqual([
    'changed  openai/a standard input: 3 → 2.5',
    'new      openai/c standard input: 1',
    'gone     openai/b: not in the file; its price stays',
    'from 2026-12-01 on: 1 new, 1 changed; 1 gone, 0 names as they are, 0 left out',
  ]);
  expect(readFileSync(join(directory, 'book.yaml'), 'utf8')).toBe(BOOK);
});

test('with --write it becomes the next version, with its author and note', () => {
  const file = join(directory, 'next.yaml');
  run('--format', 'litellm', '--from', '2026-12-01', '--write', file, '--author', 'bob', '--note', 'cheaper', '--read', '2026-11-21');
  const book = parsePriceBook(readFileSync(file, 'utf8'));
  if (isRejected(book)) throw new Error(book.message);
  expect(book.about).toMatchObject({ number: 5, author: 'bob', note: 'cheaper' });
  expect(book.pricesOf('openai', 'c')?.entries[0]).toMatchObject({ sourceDate: '2026-11-21' });
  expect(printed.at(-1)).toContain(book.version);
});

test('a file that is not of the format is refused', () => {
  expect(() => run('--format', 'genai-prices')).toThrow(expect.objectContaining({ code: 'PRICES_UNREADABLE' }));
});
