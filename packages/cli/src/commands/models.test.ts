import { type Catalogue, parseCatalogue } from '@tokenledger/catalogue';
import { isRejected } from '@tokenledger/domain';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogueAt } from '../catalogue-file.ts';
import { bookAt, SHIPPED } from '../price-files.ts';
import { catalogueProblems, modelProblems, modelTable, shownModels } from './models.ts';

const HEAD = `
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
providers: { openai: {}, anthropic: {} }
`;
function catalogueOf(...models: readonly string[]): Catalogue {
  const catalogue = parseCatalogue(`${HEAD}models:\n${models.map((each) => `  - ${each}\n`).join('')}`);
  if (isRejected(catalogue)) throw new Error(catalogue.message);
  return catalogue;
}

const small = catalogueOf(
  '{ provider: openai, model: gpt-4o, family: gpt-4o, tokenizer: o200k_base, context_window: 128000, retired: 2027-01-14, sources: [page] }',
  '{ provider: openai, model: o4-mini, family: o-series, tokenizer: o200k_base, retired: 2026-10-23, sources: [page] }',
  '{ provider: anthropic, model: unpriced, price_key: null, sources: [page] }',
);
const at = Date.parse('2026-11-01');

const cells = (table: string): string[] =>
  table.split('\n').map((line) =>
    line
      .trim()
      .split(/\s{2,}/)
      .join(' '),
  );

test('models are listed as they are on a day, those that are retired only when asked for', () => {
  expect(cells(modelTable(small, { at }))).toEqual([
    'PROVIDER MODEL CONTEXT OUTPUT TOKENIZER STATE RETIRED',
    'openai gpt-4o 128,000 - o200k_base retiring 2027-01-14',
    'anthropic unpriced - - - active -',
  ]);
  expect(modelTable(small, { at, retired: true })).toContain('retired   2026-10-23');
  expect(modelTable(small, { at: Date.parse('2026-10-22') })).toContain('o4-mini');
  expect(modelTable(small, { at, provider: 'nobody' })).toBe('no models of nobody; listed are openai, anthropic');
});

test('a model is shown by any of its names, an unknown one not at all', () => {
  expect(shownModels(small, 'ft:gpt-4o-2024-08-06:acme::1', { at })).toContain('model           gpt-4o\n');
  expect(shownModels(small, 'gpt-4o', { at, provider: 'anthropic' })).toBeUndefined();
});

describe('the catalogue that ships', () => {
  let shipped: Catalogue;
  let book: ReturnType<typeof bookAt>;
  beforeAll(() => {
    shipped = catalogueAt(SHIPPED);
    book = bookAt(SHIPPED);
  });

  test('agrees with the price book and with how tokens are counted', () => {
    expect(catalogueProblems(shipped, book)).toEqual([]);
    expect(shipped.models.length).toBeGreaterThan(250);
  });

  test('a disagreement is told', () => {
    const wrong = catalogueOf(
      '{ provider: openai, model: gpt-4o, price_key: no-such-model, family: gpt-4, tokenizer: cl100k_base, sources: [page] }',
    );
    expect(catalogueProblems(wrong, book)).toEqual([
      'openai/gpt-4o: the price book has nothing under no-such-model',
      'openai/gpt-4o: is counted as gpt-4o by o200k_base, not as gpt-4',
    ]);
  });

  test.each([
    ['gpt-4o', '2026-11-01', [expect.stringMatching(/retires on 2027-01-14, in 74 days$/)]],
    ['gpt-4o', '2026-06-01', []],
    ['gpt-4o', '2027-02-01', [expect.stringMatching(/is retired since 2027-01-14$/)]],
    ['claude-opus-5', '2026-11-01', []],
    ['ft:o4-mini:acme::1', '2026-11-01', [expect.stringMatching(/openai\/o4-mini\): is retired since 2026-10-23$/)]],
    ['gpt-99', '2026-11-01', ['gpt-99: is not known']],
    ['tts-1', '2026-06-01', [expect.stringMatching(/has no price$/)]],
  ])('%s asked for on %s', (name, day, problems) => {
    expect(modelProblems(shipped, book, name, { at: Date.parse(day) })).toEqual(problems);
  });
});
