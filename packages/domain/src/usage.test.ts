import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addUsage,
  INPUT_CLASSES,
  inputTokens,
  OUTPUT_CLASSES,
  outputTokens,
  TOKEN_CLASSES,
  totalTokens,
  UNIT_CLASSES,
  UNKNOWN_USAGE,
  type Usage,
  USAGE_CLASSES,
  usageColumn,
  type UsageClass,
} from './usage.ts';

const quantity = fc.option(fc.integer({ min: -1_000_000, max: 1_000_000_000 }));
const usages = fc.record(
  Object.fromEntries(USAGE_CLASSES.map((name) => [name, quantity])) as Record<UsageClass, typeof quantity>,
) as fc.Arbitrary<Usage>;

const known = (usage: Usage, classes: readonly UsageClass[]): readonly number[] =>
  classes.map((name) => usage[name]).filter((each) => each !== null);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe('classes', () => {
  test('are each in one list, and in unknown usage', () => {
    expect(new Set(USAGE_CLASSES).size).toBe(USAGE_CLASSES.length);
    expect([...INPUT_CLASSES, ...OUTPUT_CLASSES]).toEqual([...TOKEN_CLASSES]);
    expect([...TOKEN_CLASSES, ...UNIT_CLASSES]).toEqual([...USAGE_CLASSES]);
    expect(Object.keys(UNKNOWN_USAGE)).toEqual([...USAGE_CLASSES]);
  });

  test('have a column each', () => {
    expect(['cache_write_5m', 'visible_output', 'images', 'audio_seconds'].map((name) => usageColumn(name as UsageClass))).toEqual([
      'cache_write_5m_tokens',
      'visible_output_tokens',
      'images',
      'audio_seconds',
    ]);
    expect(new Set(USAGE_CLASSES.map(usageColumn)).size).toBe(USAGE_CLASSES.length);
  });
});

describe('totals', () => {
  test('of unknown usage are unknown, never 0', () => {
    expect([inputTokens(UNKNOWN_USAGE), outputTokens(UNKNOWN_USAGE), totalTokens(UNKNOWN_USAGE)]).toEqual([null, null, null]);
  });

  test.each([
    ['input', inputTokens, INPUT_CLASSES],
    ['output', outputTokens, OUTPUT_CLASSES],
    ['all', totalTokens, TOKEN_CLASSES],
  ] as const)('of %s tokens are the sum of the known classes, null when none is known', (_, total, classes) => {
    fc.assert(
      fc.property(usages, (usage) => {
        const parts = known(usage, classes);
        expect(total(usage)).toBe(parts.length === 0 ? null : sum(parts));
      }),
    );
  });

  test('leave counted units out', () => {
    expect(totalTokens({ ...UNKNOWN_USAGE, web_search_requests: 3, images: 1, audio_seconds: 9, characters: 10 })).toBeNull();
  });
});

describe('adding', () => {
  test('nothing gives unknown usage', () => {
    expect(addUsage([])).toEqual(UNKNOWN_USAGE);
  });

  test('a class is null exactly when it is null in all of them, else the sum of the known', () => {
    fc.assert(
      fc.property(fc.array(usages, { maxLength: 5 }), (all) => {
        const added = addUsage(all);
        for (const name of USAGE_CLASSES) {
          const parts = all.flatMap((usage) => known(usage, [name]));
          expect(added[name]).toBe(parts.length === 0 ? null : sum(parts));
        }
      }),
    );
  });

  test('is the same in any order and in any grouping', () => {
    fc.assert(
      fc.property(usages, usages, usages, (a, b, c) => {
        expect(addUsage([a, b, c])).toEqual(addUsage([c, a, b]));
        expect(addUsage([addUsage([a, b]), c])).toEqual(addUsage([a, addUsage([b, c])]));
      }),
    );
  });

  test('changes none of its parts', () => {
    const part = Object.freeze({ ...UNKNOWN_USAGE, uncached_input: 1 });
    addUsage([part, part]);
    expect(part.uncached_input).toBe(1);
  });
});
