import { inputTokens, outputTokens, type Usage } from '@tokenledger/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseGenerateUsage } from './normalise.ts';

function usageOf(usage: Record<string, unknown>): Partial<Usage> & { readonly flags: readonly string[] } {
  const normalised = normaliseGenerateUsage(usage);
  if (normalised.kind !== 'usage') throw new Error(`expected usage, got ${normalised.kind}`);
  const known = Object.entries(normalised.usage).filter(([, quantity]) => quantity !== null);
  return { ...Object.fromEntries(known), flags: normalised.flags };
}

const text = (tokenCount: number): unknown => ({ modality: 'TEXT', tokenCount });
const audio = (tokenCount: number): unknown => ({ modality: 'AUDIO', tokenCount });
const image = (tokenCount: number): unknown => ({ modality: 'IMAGE', tokenCount });

describe('the rule', () => {
  test('thoughts and the tool-use prompt stand beside, cached content inside', () => {
    expect(
      usageOf({
        promptTokenCount: 100,
        cachedContentTokenCount: 60,
        toolUsePromptTokenCount: 30,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 50,
        totalTokenCount: 200,
      }),
    ).toEqual({ uncached_input: 70, cache_read: 60, visible_output: 20, reasoning: 50, flags: [] });
  });

  test('counts that are left out are 0', () => {
    expect(usageOf({ promptTokenCount: 5, totalTokenCount: 5 })).toEqual({
      uncached_input: 5,
      cache_read: 0,
      visible_output: 0,
      reasoning: 0,
      flags: [],
    });
    expect(usageOf({ promptTokenCount: 5, thoughtsTokenCount: 7, totalTokenCount: 12 })).toMatchObject({ visible_output: 0, reasoning: 7 });
  });

  test('an output without its prompt knows no input', () => {
    expect(usageOf({ candidatesTokenCount: 3 })).toEqual({ visible_output: 3, reasoning: 0, flags: [] });
  });

  test('a total that is not their sum is flagged', () => {
    expect(usageOf({ promptTokenCount: 5, candidatesTokenCount: 1, totalTokenCount: 9 }).flags).toEqual(['total_differs']);
  });
});

describe('modalities', () => {
  test('audio and images are classes of their own, whatever prompt they came in; video and documents stay with the text', () => {
    expect(
      usageOf({
        promptTokenCount: 100,
        promptTokensDetails: [
          text(10),
          image(40),
          audio(20),
          { modality: 'VIDEO', tokenCount: 25 },
          { modality: 'DOCUMENT', tokenCount: 5 },
        ],
        toolUsePromptTokenCount: 10,
        toolUsePromptTokensDetails: [text(3), image(7)],
        candidatesTokenCount: 1300,
        candidatesTokensDetails: [text(10), image(1290)],
      }),
    ).toEqual({
      uncached_input: 43,
      cache_read: 0,
      input_audio: 20,
      cached_audio: 0,
      input_image: 47,
      visible_output: 10,
      output_image: 1290,
      output_audio: 0,
      reasoning: 0,
      flags: [],
    });
  });

  test('may be numbers instead of names', () => {
    const details = [{ modality: 2, tokenCount: 516 }, { modality: 1, tokenCount: 5 }, { modality: 4 }];
    expect(usageOf({ promptTokenCount: 521, promptTokensDetails: details, trafficType: 1 })).toMatchObject({
      uncached_input: 5,
      input_image: 516,
      input_audio: 0,
    });
  });

  test('details of the cache say what of it was audio', () => {
    expect(
      usageOf({
        promptTokenCount: 100,
        promptTokensDetails: [text(30), audio(70)],
        cachedContentTokenCount: 80,
        cacheTokensDetails: [text(20), audio(60)],
        candidatesTokenCount: 1,
      }),
    ).toMatchObject({ uncached_input: 10, cache_read: 20, input_audio: 10, cached_audio: 60, flags: [] });
  });

  test('without them text is taken to be cached first, flagged', () => {
    expect(
      usageOf({
        promptTokenCount: 100,
        promptTokensDetails: [text(30), audio(50), image(20)],
        cachedContentTokenCount: 90,
        candidatesTokenCount: 1,
      }),
    ).toMatchObject({ uncached_input: 0, cache_read: 40, input_audio: 0, cached_audio: 50, input_image: 10, flags: ['split_unknown'] });
  });

  test('more of them than the total holds are left out, flagged', () => {
    const flags = ['split_unknown', 'contradictory'];
    expect(usageOf({ promptTokenCount: 10, promptTokensDetails: [image(40)], candidatesTokenCount: 1 })).toMatchObject({
      uncached_input: 10,
      flags,
    });
    expect(usageOf({ promptTokenCount: 10, cachedContentTokenCount: 40, candidatesTokenCount: 1 })).toMatchObject({
      cache_read: 10,
      flags,
    });
    expect(usageOf({ promptTokenCount: 1, candidatesTokenCount: 5, candidatesTokensDetails: [image(9)] })).toMatchObject({
      visible_output: 5,
      flags,
    });
  });
});

test.each([
  ['negative', { promptTokenCount: -1 }],
  ['text', { promptTokenCount: '12' }],
  ['a fraction', { promptTokenCount: 1, candidatesTokenCount: 2.5 }],
  ['beyond 2^53', { promptTokenCount: 2 ** 53 }],
  ['beyond 2^53 in sum', { promptTokenCount: 2 ** 53 - 1, candidatesTokenCount: 2 }],
  ['a detail that is text', { promptTokenCount: 1, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 'x' }] }],
  ['details that are no list', { promptTokenCount: 1, promptTokensDetails: { modality: 'TEXT' } }],
  ['a detail that is no object', { promptTokenCount: 1, candidatesTokensDetails: [7] }],
  ['a total alone', { totalTokenCount: 7 }],
])('%s makes usage invalid', (_name, usage) => {
  expect(normaliseGenerateUsage(usage)).toEqual({ kind: 'invalid' });
});

test('metadata without counts is none', () => {
  expect(normaliseGenerateUsage({ trafficType: 'ON_DEMAND' })).toEqual({ kind: 'none' });
});

test('whatever the counts, no class is negative and their sums are the totals', () => {
  const count = fc.option(fc.nat({ max: 200 }), { nil: undefined });
  const list = fc.option(
    fc.array(fc.record({ modality: fc.constantFrom('TEXT', 'IMAGE', 'AUDIO', 'VIDEO', 1, 2, 4, 99), tokenCount: fc.nat({ max: 120 }) }), {
      maxLength: 4,
    }),
    { nil: undefined },
  );
  const usages = fc.record({
    promptTokenCount: fc.nat({ max: 200 }),
    cachedContentTokenCount: count,
    toolUsePromptTokenCount: count,
    candidatesTokenCount: count,
    thoughtsTokenCount: count,
    promptTokensDetails: list,
    cacheTokensDetails: list,
    toolUsePromptTokensDetails: list,
    candidatesTokensDetails: list,
  });
  fc.assert(
    fc.property(usages, (usage) => {
      const normalised = normaliseGenerateUsage(usage);
      if (normalised.kind !== 'usage') throw new Error(normalised.kind);
      expect(Object.values(normalised.usage).every((quantity) => quantity === null || quantity >= 0)).toBe(true);
      expect(inputTokens(normalised.usage)).toBe(usage.promptTokenCount + (usage.toolUsePromptTokenCount ?? 0));
      expect(outputTokens(normalised.usage)).toBe((usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0));
    }),
    { numRuns: 2000 },
  );
});
