import { parseCatalogue } from '@tokenledger/catalogue';
import { isRejected } from '@tokenledger/domain';
import { expect, test } from 'vitest';
import { modelFlags } from './model-flags.ts';

const catalogue = parseCatalogue(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
providers: { openai: { complete: true } }
models: [{ provider: openai, model: o4-mini, retired: 2026-10-23, sources: [page] }]
`);

test('a flag comes with the day, whatever was remembered before', () => {
  if (isRejected(catalogue)) throw new Error(catalogue.message);
  const flagOf = modelFlags(catalogue);
  const eve = Date.parse('2026-10-22T23:59:59.999Z');
  expect(flagOf('openai', 'o4-mini', 'o4-mini-2025-04-16', eve)).toBeNull();
  expect(flagOf('openai', 'o4-mini', 'o4-mini-2025-04-16', eve + 1)).toBe('model_retired');
  // A request that began before midnight and is recorded after it.
  expect(flagOf('openai', 'o4-mini', 'o4-mini-2025-04-16', eve)).toBeNull();
  expect(flagOf('openai', 'gpt-9', '', eve)).toBe('model_unknown');
  expect(flagOf('openai', 'gpt-9', 'o4-mini', eve)).toBeNull();
});

test('many names do not fill the memory, and get their flags', () => {
  if (isRejected(catalogue)) throw new Error(catalogue.message);
  const flagOf = modelFlags(catalogue);
  for (let index = 0; index < 5_000; index += 1) expect(flagOf('openai', `model-${index}`, '', 0)).toBe('model_unknown');
});
