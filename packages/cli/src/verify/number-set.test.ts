import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NumberCollector, type NumberSet, shown, size, unite, without } from './number-set.ts';

const numbers = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 });

function collect(values: readonly number[]): NumberSet {
  const collector = new NumberCollector();
  for (const value of values) collector.add(value);
  return collector.numbers();
}

const expand = (set: NumberSet): readonly number[] =>
  set.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
const sorted = (values: Iterable<number>): readonly number[] => [...values].toSorted((left, right) => left - right);

test('a collector holds exactly what it was given, each number once, as few ranges as can be', () => {
  fc.assert(
    fc.property(numbers, (given) => {
      const set = collect(given);
      expect(expand(set)).toEqual(sorted(new Set(given)));
      expect(size(set)).toBe(new Set(given).size);
      expect(unite(set)).toEqual(set);
    }),
  );
});

test('what is in one set and not in the other', () => {
  fc.assert(
    fc.property(numbers, numbers, (left, right) => {
      const expected = sorted(new Set(left).difference(new Set(right)));
      expect(expand(without(collect(left), collect(right)))).toEqual(expected);
    }),
  );
});

test('ranges are shown as people write them', () => {
  expect(shown(collect([1, 2, 3, 7, 9, 12]))).toBe('1–3, 7, 9, …');
});
