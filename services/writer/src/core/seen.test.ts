import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addSeen, forgetBeyond, lookUp, NOTHING_SEEN, type Seen, seenFromTable } from './seen.ts';

const after = (numbers: readonly number[], seen: Seen = NOTHING_SEEN): Seen => numbers.reduce(addSeen, seen);

test.each([
  ['above the highest', 11, 'new'],
  ['the highest', 10, 'seen'],
  ['in a missing range, at its end', 7, 'new'],
  ['in a missing range, at its beginning', 6, 'new'],
  ['between missing ranges', 8, 'seen'],
  ['at the number to ask through', 3, 'ask'],
  ['far below it', 1, 'ask'],
  ['just above it', 4, 'seen'],
] as const)('a number %s', (_where, number, answer) => {
  const seen: Seen = {
    highest: 10,
    missing: [
      { from: 6, to: 7 },
      { from: 9, to: 9 },
    ],
    askThrough: 3,
  };
  expect(lookUp(seen, number)).toBe(answer);
});

test('numbers that come in order leave nothing missing', () => {
  expect(after([1, 2, 3])).toEqual({ highest: 3, missing: [], askThrough: 0 });
});

test('a gap is remembered and filled from any side', () => {
  const gap = after([1, 6]);
  expect(gap.missing).toEqual([{ from: 2, to: 5 }]);
  expect(after([2], gap).missing).toEqual([{ from: 3, to: 5 }]);
  expect(after([5], gap).missing).toEqual([{ from: 2, to: 4 }]);
  expect(after([3], gap).missing).toEqual([
    { from: 2, to: 2 },
    { from: 4, to: 5 },
  ]);
  expect(after([2, 3, 4, 5], gap)).toEqual({ highest: 6, missing: [], askThrough: 0 });
});

test('beyond the limit the lowest gaps are forgotten, and asked for', () => {
  const seen = forgetBeyond(after([2, 4, 6, 8]), 2);
  expect(seen).toEqual({
    highest: 8,
    missing: [
      { from: 5, to: 5 },
      { from: 7, to: 7 },
    ],
    askThrough: 3,
  });
  expect([1, 2, 3, 4, 5, 6].map((number) => lookUp(seen, number))).toEqual(['ask', 'ask', 'ask', 'seen', 'new', 'seen']);
});

test.each([
  ['without gaps need not be asked', { lowest: 1, highest: 5, distinct: 5 }, 'seen'],
  ['with a gap must be asked', { lowest: 1, highest: 5, distinct: 4 }, 'ask'],
  ['that begins late must be asked', { lowest: 3, highest: 5, distinct: 3 }, 'ask'],
  ['with a number that is none must be asked', { lowest: 0, highest: 5, distinct: 5 }, 'ask'],
] as const)('a table %s again about numbers up to its highest', (_what, table, answer) => {
  const seen = seenFromTable(table);
  expect([1, 2, 5].map((number) => lookUp(seen, number))).toEqual([answer, answer, answer]);
  expect(lookUp(seen, 6)).toBe('new');
});

test('whatever is added and forgotten, the answer is never wrong: at worst it is to ask', () => {
  const step = fc.record({ number: fc.integer({ min: 1, max: 40 }), rangesMax: fc.integer({ min: 0, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const model = new Set<number>();
      let seen = NOTHING_SEEN;
      for (const { number, rangesMax } of steps) {
        model.add(number);
        seen = forgetBeyond(addSeen(seen, number), rangesMax);
        expect(seen.missing.length).toBeLessThanOrEqual(rangesMax);
        for (let candidate = 1; candidate <= 42; candidate++) {
          expect(['ask', model.has(candidate) ? 'seen' : 'new']).toContain(lookUp(seen, candidate));
        }
      }
    }),
  );
});

test('without a limit nothing is ever asked', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 })), (numbers) => {
      const seen = after(numbers);
      const model = new Set(numbers);
      for (let candidate = 1; candidate <= 62; candidate++) expect(lookUp(seen, candidate)).toBe(model.has(candidate) ? 'seen' : 'new');
    }),
  );
});
