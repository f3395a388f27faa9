import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import type { ImportedPrices } from './imported.ts';
import { readLitellm } from './litellm.ts';

const OPTIONS = { source: 'list', since: '2026-11-21' };

function read(text: string, providers?: readonly string[]): ImportedPrices {
  const found = readLitellm(text, providers === undefined ? OPTIONS : { ...OPTIONS, providers });
  if (isRejected(found)) throw new Error(found.message);
  return found;
}

/** One model with these keys; numbers as they would stand in a file. */
const model = (name: string, provider: string, keys: string): string => `{ "${name}": { "litellm_provider": "${provider}", ${keys} } }`;
const pricesOf = (keys: string): unknown => read(model('m', 'openai', keys)).models[0]?.blocks[0]?.prices;

test.each([
  ['1.5e-07', '0.15'],
  ['2.5E-06', '2.5'],
  ['3e-06', '3'],
  ['0.000003', '3'],
  ['1e-05', '10'],
  ['2.5e-08', '0.025'],
  ['1.4999999999999999e-06', '1.5'],
  ['6.000000000000001e-07', '0.6'],
  ['7.25e-13', '0.000000725'],
  ['0.01', '10000'],
])('%s for one is %s for a million, digit by digit', (digits, expected) => {
  expect(pricesOf(`"input_cost_per_token": ${digits}`)).toEqual({ standard: { input: expected } });
});

test('classes, tiers and lengths are in its keys', () => {
  const [read1] = read(
    model(
      'gemini/big',
      'gemini',
      `"input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06, "cache_read_input_token_cost": 1e-07,
       "cache_creation_input_token_cost_above_1hr": 2e-06, "output_cost_per_reasoning_token": 5e-06, "input_cost_per_token_batches": 5e-07,
       "input_cost_per_token_priority": 2e-06, "input_cost_per_token_above_200k_tokens": 2e-06, "cache_read_input_token_cost_above_200k_tokens": 2e-07,
       "search_context_cost_per_query": { "search_context_size_low": 0.01, "search_context_size_medium": 0.035 }, "max_tokens": 8192`,
    ),
  ).models;
  expect(read1).toEqual({
    model: 'big',
    names: { models: ['big'] },
    blocks: [
      {
        provider: 'google',
        models: ['big'],
        source: 'list',
        effective_from: '2026-11-21',
        prices: {
          standard: { input: '1', output: '4', cache_read: '0.1', cache_write_1h: '2', reasoning: '5', web_search_requests: '35000' },
          batch: { input: '0.5' },
          priority: { input: '2' },
        },
        long_context: {
          above_input_tokens: '200000',
          prices: { standard: { input: '2', cache_read: '0.2' } },
        },
      },
    ],
  });
});

test('0 stands for no price, and a model without any is none', () => {
  expect(pricesOf('"input_cost_per_token": 1e-07, "output_cost_per_token": 0.0')).toEqual({ standard: { input: '0.1' } });
  expect(read(model('m', 'openai', '"input_cost_per_token": 0, "output_cost_per_token": 0.0')).models).toEqual([]);
});

test('what a book cannot say is left out and told', () => {
  const { models, leftOut } = read(`{
    "sample_spec": { "litellm_provider": "one of many" },
    "_meta": { "updated": "today" },
    "a": { "litellm_provider": "openai", "input_cost_per_token": 1e-06, "input_cost_per_pixel": 1e-08 },
    "bedrock/us-west-2/b": { "litellm_provider": "bedrock", "input_cost_per_token": 1e-06 },
    "c": { "litellm_provider": "nobody", "input_cost_per_token": 1e-06 }
  }`);
  expect(models.map(({ model: name }) => name)).toEqual(['a']);
  expect(leftOut.map(({ what }) => what)).toEqual(['openai/a', 'aws/us-west-2/b', 'nobody']);
  expect(leftOut[0]?.why).toContain('input_cost_per_pixel');
});

test('of some providers alone, and a name once', () => {
  const text = `{
    "xai/grok": { "litellm_provider": "xai", "input_cost_per_token": 1e-06 },
    "grok": { "litellm_provider": "xai", "input_cost_per_token": 9e-06 },
    "gpt": { "litellm_provider": "openai", "input_cost_per_token": 1e-06 }
  }`;
  expect(read(text, ['x-ai']).models.map(({ model: name, blocks }) => [name, blocks[0]?.prices])).toEqual([
    ['grok', { standard: { input: '1' } }],
  ]);
});

test.each(['', '[]', '{}', '{"a": 1}', '{"a": {}}'])('%j is no such file', (text) => {
  expect(readLitellm(text, OPTIONS)).toMatchObject({ code: 'PRICES_UNREADABLE' });
});
