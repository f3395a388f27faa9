import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDue, type LaneMemory, type LaneView, marked, republication, sentAgain, type SendMark } from './republication.ts';

const QUIET_MS = 1_000;
const at = (nowMs: number) => ({ nowMs, quietMs: QUIET_MS });

const view = (change: Partial<LaneView> = {}): LaneView => ({
  missing: [{ from: 4, to: 5 }],
  highest: 10,
  acknowledged: 10,
  given: 10,
  passed: 10,
  marks: [],
  ...change,
});

test.each([
  ['at first sight', { first: true }, false],
  ['sent before everything that has landed', { given: 12, passed: 11 }, true],
  ['sent, and only what was given before has landed', { given: 12, passed: 10 }, false],
  ['sent, with nothing given since, a moment ago', { given: 10, passed: 10, laterMs: QUIET_MS - 1 }, false],
  ['sent, with nothing given since, a while ago', { given: 10, passed: 10, laterMs: QUIET_MS }, true],
  ['sent a while ago, and numbers given since that have not landed', { given: 11, passed: 10, laterMs: 100 * QUIET_MS }, false],
])(
  'a missing number that was %s: due %o → %s',
  (_what, { first = false, laterMs = 0, ...now }: Record<string, unknown> & { first?: boolean; laterMs?: number }, due) => {
    const memory = republication([], view(), at(0));
    const later = view(now);
    const [sent] = republication(memory, first ? view() : later, at(laterMs));
    expect(sent).toEqual({ from: 4, to: 5, givenThrough: 10, atMs: 0, again: 0 });
    expect(isDue(sent!, later, at(laterMs))).toBe(due);
  },
);

test('after it was sent again it waits for what is given from then on', () => {
  const memory = sentAgain(republication([], view(), at(0)), { from: 4, to: 5 }, 15, 7);
  expect(memory).toEqual([{ from: 4, to: 5, givenThrough: 15, atMs: 7, again: 1 }]);
  expect(isDue(memory[0]!, view({ given: 20, passed: 15 }), at(8))).toBe(false);
  expect(isDue(memory[0]!, view({ given: 20, passed: 16 }), at(8))).toBe(true);
});

test('where nothing more is given, each time is twice as far from the last', () => {
  let memory = republication([], view(), at(0));
  const sentAt: number[] = [];
  for (let nowMs = 0; nowMs < 20 * QUIET_MS; nowMs += 100) {
    memory = republication(memory, view(), at(nowMs));
    if (!memory.every((sent) => isDue(sent, view(), at(nowMs)))) continue;
    sentAt.push(nowMs);
    memory = sentAgain(memory, { from: 4, to: 5 }, 10, nowMs);
  }
  expect(sentAt).toEqual([1_000, 3_000, 7_000, 15_000]);
});

test('a number that was sent once waits for what was given when the log had taken it, not for what is given when it is missed', () => {
  const marks = [
    { acknowledged: 3, given: 4 },
    { acknowledged: 6, given: 8 },
    { acknowledged: 30, given: 33 },
  ];
  const now = view({ given: 40, passed: 9, marks });
  const [sent] = republication([], now, at(0));
  expect(sent).toMatchObject({ from: 4, to: 5, givenThrough: 8 });
  expect(isDue(sent!, now, at(0))).toBe(true);
});

test('marks of what has landed go, and beyond their number the oldest', () => {
  let marks: readonly SendMark[] = [];
  for (let number = 1; number <= 5; number++) marks = marked(marks, { acknowledged: number, given: number + 1 }, 0, 3);
  expect(marks.map(({ acknowledged }) => acknowledged)).toEqual([3, 4, 5]);
  expect(marked(marks, { acknowledged: 5, given: 9 }, 4, 3)).toEqual([{ acknowledged: 5, given: 6 }]);
  expect(marked(marks, { acknowledged: 5, given: 9 }, 5, 3)).toEqual([]);
});

test('of a part that was sent, the rest is as it was', () => {
  const memory = republication([], view({ missing: [{ from: 2, to: 9 }] }), at(0));
  expect(sentAgain(memory, { from: 4, to: 5 }, 12, 3)).toEqual([
    { from: 2, to: 3, givenThrough: 10, atMs: 0, again: 0 },
    { from: 4, to: 5, givenThrough: 12, atMs: 3, again: 1 },
    { from: 6, to: 9, givenThrough: 10, atMs: 0, again: 0 },
  ]);
});

test('what has landed is forgotten, what is missing besides is new', () => {
  const memory = republication([], view({ missing: [{ from: 2, to: 6 }] }), at(0));
  expect(republication(memory, view({ missing: [{ from: 5, to: 8 }], given: 11 }), at(9))).toEqual([
    { from: 5, to: 6, givenThrough: 10, atMs: 0, again: 0 },
    { from: 7, to: 8, givenThrough: 11, atMs: 9, again: 0 },
  ]);
});

test('an end that has not landed is asked for by its last number', () => {
  expect(republication([], view({ missing: [], highest: 3 }), at(0))).toMatchObject([{ from: 10, to: 10 }]);
  expect(republication([], view({ missing: [], highest: 10 }), at(0))).toEqual([]);
});

test('what the log has not acknowledged is not sent a second time beside the first', () => {
  expect(republication([], view({ missing: [{ from: 4, to: 8 }], highest: 9, acknowledged: 6 }), at(0))).toMatchObject([
    { from: 4, to: 6 },
  ]);
});

test('a number is never sent again before a number has landed that was given after its last send, while numbers are given', () => {
  const step = fc.record({ give: fc.nat({ max: 3 }), land: fc.nat({ max: 4 }), lose: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let memory: LaneMemory = [];
      let [given, passed] = [0, 0];
      const lost = new Set<number>();
      const givenWhenSent = new Map<number, number>();
      steps.forEach(({ give, land, lose }, nowMs) => {
        given += give;
        passed = Math.min(given, passed + land);
        for (const number of lose) if (number > 0 && number < passed) lost.add(number);
        const now: LaneView = {
          missing: [...lost].toSorted((one, other) => one - other).map((number) => ({ from: number, to: number })),
          highest: passed,
          acknowledged: given,
          given,
          passed,
          marks: [],
        };
        // Time does not count here: it is far from quiet.
        const limits = { nowMs, quietMs: 1_000_000 };
        memory = republication(memory, now, limits);
        for (const sent of memory.filter((one) => isDue(one, now, limits))) {
          for (let number = sent.from; number <= sent.to; number++) {
            expect(passed).toBeGreaterThan(givenWhenSent.get(number) ?? number);
            givenWhenSent.set(number, given);
          }
          memory = sentAgain(memory, sent, given, nowMs);
        }
        expect(memory).toEqual(memory.toSorted((one, other) => one.from - other.from));
      });
    }),
  );
});

test('every lost number is sent again once others pass, however the ranges lie', () => {
  const ranges = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(ranges, (lost) => {
      const missing = lost.toSorted((one, other) => one - other).map((number) => ({ from: number, to: number }));
      const before = view({ missing, highest: 100, acknowledged: 100, given: 100, passed: 100 });
      const after = { ...before, given: 101, passed: 101, highest: 101, acknowledged: 101 };
      const memory = republication(republication([], before, at(0)), after, at(1));
      const due = memory.filter((sent) => isDue(sent, after, at(1)));
      expect(due.map(({ from, to }) => ({ from, to }))).toEqual(missing);
    }),
  );
});
