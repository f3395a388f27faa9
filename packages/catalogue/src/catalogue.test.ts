import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { type Catalogue, parseCatalogue } from './catalogue.ts';
import { lifecycleOf } from './model.ts';

const HEAD = `
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
providers: { openai: { complete: true, also: [oai] }, mistral: {} }
`;
const MODELS = [
  '{ provider: openai, model: gpt-4o, aliases: [gpt-4o-2024-08-06], family: gpt-4o, tokenizer: o200k_base, context_window: 128000, max_output: 16384, released: 2024-05-13, deprecated: 2026-10-14, retired: 2027-01-14, sources: [page] }',
  '{ provider: openai, model: o4-mini, price_key: null, retired: 2026-10-23, sources: [page] }',
  '{ provider: openai, model: gpt-5, price_key: gpt-5-main, deprecated: 2026-06-11, sources: [page] }',
  '{ provider: mistral, model: codestral, sources: [page] }',
];

const read = (...models: readonly string[]) => parseCatalogue(`${HEAD}models:\n${models.map((each) => `  - ${each}\n`).join('')}`);
function catalogueOf(): Catalogue {
  const catalogue = read(...MODELS);
  if (isRejected(catalogue)) throw new Error(catalogue.message);
  return catalogue;
}
const at = (day: string): number => Date.parse(day);

test('a model says what is known of it, and what is not is null', () => {
  const [first, second, third] = catalogueOf().models;
  expect(first).toMatchObject({ contextWindow: 128_000, maxOutput: 16_384, priceKey: 'gpt-4o', retiredMs: at('2027-01-14') });
  expect(second).toMatchObject({ contextWindow: null, family: '', priceKey: null, releasedMs: null });
  expect(third?.priceKey).toBe('gpt-5-main');
});

test.each([
  ['gpt-4o', 'gpt-4o'],
  ['GPT-4o', 'gpt-4o'],
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['gpt-4o-2024-11-20', 'gpt-4o'],
  ['gpt-4o-latest', 'gpt-4o'],
  ['models/gpt-4o', 'gpt-4o'],
  ['ft:gpt-4o:acme::8kQz', 'gpt-4o'],
  ['ft:gpt-4o-2024-08-06:acme:support:8kQz:ckpt-step-90', 'gpt-4o'],
  ['gpt-4o-mini', undefined],
  ['ft:', undefined],
  ['x'.repeat(10_000), undefined],
])('%s is found as %s', (name, model) => {
  expect(catalogueOf().find('openai', name)?.model).toBe(model);
  expect(catalogueOf().find('oai', name)?.model).toBe(model);
  expect(catalogueOf().find('nobody', name)).toBeUndefined();
});

test('a retired model is flagged from its day on, an unknown one where the provider is listed completely', () => {
  const catalogue = catalogueOf();
  expect(catalogue.flagOf('openai', ['o4-mini'], at('2026-10-22T23:59:59Z'))).toBeNull();
  expect(catalogue.flagOf('openai', ['o4-mini'], at('2026-10-23'))).toBe('model_retired');
  expect(catalogue.flagOf('openai', ['ft:o4-mini:acme::1'], at('2026-11-01'))).toBe('model_retired');
  expect(catalogue.flagOf('openai', ['gpt-9'], at('2026-01-01'))).toBe('model_unknown');
  expect(catalogue.flagOf('mistral', ['new-model'], at('2026-01-01'))).toBeNull();
  expect(catalogue.flagOf('together', ['gpt-9'], at('2026-01-01'))).toBeNull();
});

test('of several names the first that is known decides, and no name is no unknown model', () => {
  const catalogue = catalogueOf();
  expect(catalogue.flagOf('openai', ['my-alias', 'o4-mini'], at('2026-11-01'))).toBe('model_retired');
  expect(catalogue.flagOf('openai', ['gpt-5', 'o4-mini'], at('2026-11-01'))).toBeNull();
  expect(catalogue.flagOf('openai', ['', ''], at('2026-11-01'))).toBeNull();
});

test.each([
  [{ deprecatedMs: null, retiredMs: null }, 'active'],
  [{ deprecatedMs: at('2026-07-01'), retiredMs: null }, 'active'],
  [{ deprecatedMs: at('2026-06-01'), retiredMs: null }, 'deprecated'],
  [{ deprecatedMs: at('2026-01-01'), retiredMs: at('2026-07-01') }, 'retiring'],
  [{ deprecatedMs: null, retiredMs: at('2026-06-01') }, 'retired'],
])('%o is %s on a day in June', (model, lifecycle) => {
  expect(lifecycleOf(model, at('2026-06-15'))).toBe(lifecycle);
});

test.each([
  [
    'a name that two models have',
    [MODELS[0], '{ provider: openai, model: other, aliases: [GPT-4O], sources: [page] }'],
    'GPT-4O is a name of gpt-4o already',
  ],
  ['a provider that is not listed', ['{ provider: nobody, model: m, sources: [page] }'], 'the provider nobody is not listed'],
  ['a source that does not exist', ['{ provider: openai, model: m, sources: [nowhere] }'], 'there is no source nowhere'],
  ['days out of order', ['{ provider: openai, model: m, released: 2026-02-01, retired: 2026-01-01, sources: [page] }'], 'in this order'],
  ['a day that does not exist', ['{ provider: openai, model: m, released: 2026-02-31x, sources: [page] }'], 'models[0].released'],
  ['a family without a tokenizer', ['{ provider: openai, model: m, family: gpt-4o, sources: [page] }'], 'family and tokenizer go together'],
  ['a field that does not exist', ['{ provider: openai, model: m, price: 3, sources: [page] }'], 'models[0]'],
  ['no source', ['{ provider: openai, model: m, sources: [] }'], 'models[0].sources'],
])('%s is refused with its place', (_, models, message) => {
  const catalogue = read(...(models as string[]));
  expect(catalogue).toMatchObject({ code: 'CATALOGUE_INVALID' });
  expect(isRejected(catalogue) && catalogue.message).toContain(message);
});

test('what is no YAML is refused', () => {
  expect(parseCatalogue('models: [')).toMatchObject({ code: 'CATALOGUE_INVALID' });
  expect(parseCatalogue('')).toMatchObject({ code: 'CATALOGUE_INVALID' });
});
