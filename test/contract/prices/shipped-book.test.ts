/** The price book that ships is what its script makes, and agrees with the collection that it was made of. */
import { readFileSync } from 'node:fs';
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { CHARGED_CLASSES, isRejected } from '@tokenledger/domain';
import { charge, parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { madeBook } from '../../prices/book-text.ts';
import { quantitiesOf } from '../../prices/price-case.ts';

const USAGES = 10_000;
const TOLERANCE_USD = 1e-9;
const AT = new Date('2026-11-21T12:00:00Z');
/** The day of the installed version of the collection. */
const AT_COLLECTION = new Date('2026-09-23T12:00:00Z');
const PICO_PER_USD = 1e12;

const text = readFileSync(SHIPPED_PRICE_BOOK, 'utf8');

function bookOf(written: string): PriceBook {
  const book = parsePriceBook(written);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}
const book = bookOf(text);
const beside = (name: string): string => readFileSync(new URL(name, SHIPPED_PRICE_BOOK), 'utf8');

test('the book is what overrides and collection make', () => {
  expect(
    madeBook(beside('overrides.yaml'), beside('newer.yaml')) === text,
    'schemas/pricebook/book.yaml is out of date: run npm run prices:book',
  ).toBe(true);
});

/** Names of which a later version of the collection says otherwise, since a day after the installed one or since ever. */
const newer = bookOf(
  JSON.stringify({
    sources: parse(beside('book.yaml'), { schema: 'failsafe' }).sources,
    blocks: parse(beside('newer.yaml'), { schema: 'failsafe' }).blocks,
  }),
);

/** Every name that both know, with prices for input and output. */
const shared = [...new Set(book.entries.map(({ provider }) => provider))].flatMap((provider) => {
  const names = new Set(book.entries.filter((entry) => entry.provider === provider).flatMap(({ models, dated }) => [...models, ...dated]));
  return [...names].filter((name) => isPriced(provider, name)).map((name) => ({ provider, name }));
});

function isPriced(provider: string, name: string): boolean {
  if (findProvider({ providerId: provider }) === undefined) return false;
  const price = calcPrice({ input_tokens: 1, output_tokens: 1 }, name, { providerId: provider, timestamp: AT })?.model_price;
  const sheet = book.pricesOf(provider, name)?.sheet('standard', '');
  const knows = (usageClass: 'uncached_input' | 'cache_read' | 'visible_output'): boolean =>
    (sheet?.pricesAt(usageClass, AT.getTime(), 1).length ?? 0) > 0 &&
    (sheet?.pricesAt(usageClass, AT.getTime(), 1_000_000).length ?? 0) > 0;
  // The book leaves unknown what its own sources leave out.
  return (
    price?.['input_mtok'] !== undefined &&
    price['output_mtok'] !== undefined &&
    knows('uncached_input') &&
    knows('cache_read') &&
    knows('visible_output')
  );
}

const LARGEST_SEARCH = 'the collection has the fee of the largest search, the book that of the one that is made unless asked otherwise';
const MOVED_ALIAS = 'the alias leads to a newer model, and the collection still has the older one';
const NO_FEE = 'the collection has no fee for a request';
const CORRECTED = 'a later version of the collection says since when, and that is before the installed one was read';
const TAKEN_FOR_OLDER = 'the collection takes it for the model whose name it begins with';

/** Where the book says otherwise than the collection, and why. */
const EXPLAINED: Readonly<Record<string, string>> = {
  'anthropic/claude-sonnet-5-5': 'cached input costs half since 2026-10-07, and the collection is older',
  'fireworks/accounts/fireworks/models/glm-4p7': 'the page has a price of cached input, the collection has none',
  'mistral/magistral-medium-latest': MOVED_ALIAS,
  'mistral/magistral-small-latest': MOVED_ALIAS,
  'mistral/mistral-large-latest': MOVED_ALIAS,
  'mistral/mistral-medium': MOVED_ALIAS,
  'mistral/mistral-small-latest': MOVED_ALIAS,
  'perplexity/sonar': LARGEST_SEARCH,
  'perplexity/sonar-pro': LARGEST_SEARCH,
  'perplexity/sonar-reasoning': LARGEST_SEARCH,
  'perplexity/sonar-reasoning-pro': LARGEST_SEARCH,
  'fireworks/accounts/fireworks/routers/kimi-k3-us': CORRECTED,
  'google/gemini-3.8-flash-lite-tts': TAKEN_FOR_OLDER,
  'google/gemini-3.8-flash-tts': TAKEN_FOR_OLDER,
  'openrouter/openai/gpt-5.6-sol': 'OpenRouter took half the price until 2026-10-19, and the collection still does',
  'openrouter/z-ai/glm-5.3-flash': CORRECTED,
  'x-ai/grok-4.20-multi-agent': CORRECTED,
  'x-ai/grok-code-fast-1': 'retired on 2026-05-15 and answered by another model, at its price',
  'zai/GLM-5.3-Flash': CORRECTED,
  'zhipuai/GLM-5.3-Flash': CORRECTED,
  ...Object.fromEntries(
    ['anthropic.', '', 'us.anthropic.', 'au.anthropic.', 'apac.anthropic.', 'eu.anthropic.', 'us-gov.anthropic.', 'jp.anthropic.'].map(
      (before) => [`aws/${before}claude-sonnet-5-5`, TAKEN_FOR_OLDER],
    ),
  ),
  'openrouter/perplexity/sonar': NO_FEE,
  'openrouter/perplexity/sonar-pro': NO_FEE,
  'openrouter/perplexity/sonar-reasoning-pro': NO_FEE,
};

test('10,000 usages of models that both know cost the same to 10⁻⁹ USD, but for differences that are explained', () => {
  expect(shared.length).toBeGreaterThan(1_000);
  const usages = fc.record({
    input: fc.oneof(fc.integer({ min: 100, max: 5_000 }), fc.integer({ min: 100, max: 1_000_000 })),
    cached: fc.double({ min: 0.1, max: 1, noNaN: true }),
    output: fc.integer({ min: 1, max: 100_000 }),
  });
  const differing = new Map<string, string>();
  const compare = (
    { provider, name }: (typeof shared)[number],
    { input, cached, output }: { input: number; cached: number; output: number },
    at: Date,
  ): void => {
    const usage = { input_tokens: input, cache_read_tokens: Math.floor(input * cached), output_tokens: output };
    const theirs = calcPrice(usage, name, { providerId: provider, timestamp: at })?.total_price ?? Number.NaN;
    const ours = costOf(provider, name, usage, at);
    if (!(Math.abs(ours - theirs) < TOLERANCE_USD))
      differing.set(`${provider}/${name}`, `${JSON.stringify(usage)}: ${ours}, not ${theirs}`);
  };
  const each = Math.ceil(USAGES / shared.length);
  fc.assert(
    fc.property(fc.array(usages, { minLength: each, maxLength: each }), (some) => {
      for (const model of shared) {
        for (const usage of some) {
          compare(model, usage, AT_COLLECTION);
          if (newer.pricesOf(model.provider, model.name) === undefined) compare(model, usage, AT);
        }
      }
    }),
    { numRuns: 1 },
  );
  expect(Object.fromEntries([...differing].filter(([name]) => !Object.hasOwn(EXPLAINED, name)))).toEqual({});
  // An explanation that explains nothing any more goes.
  expect(Object.keys(EXPLAINED).filter((name) => !differing.has(name))).toEqual([]);
});

function costOf(provider: string, name: string, usage: Record<string, number>, at: Date): number {
  const prices = book.pricesOf(provider, name);
  if (prices === undefined) return Number.NaN;
  const { quantities, inputTokens } = quantitiesOf({ usage });
  const classes = CHARGED_CLASSES.filter((each) => each !== 'requests');
  const { cost, missing } = charge(quantities, prices, { serviceTier: 'standard', region: '', atMs: at.getTime(), inputTokens }, classes);
  return missing.length > 0 ? Number.NaN : Number(cost) / PICO_PER_USD;
}
