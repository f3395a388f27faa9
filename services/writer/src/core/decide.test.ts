import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Decided, decide, type NumberedRow, numbersToAsk, type SeenBySource, unknownSources } from './decide.ts';
import type { Row } from './row.ts';
import { NOTHING_SEEN, type Seen, seenFromTable } from './seen.ts';

const NO_LIMIT = { rangesMax: 1000 };
const row = (source: string, sequence: number): NumberedRow => ({ source, sequence, row: [source, sequence] });
const rows = (...sequences: readonly number[]): readonly NumberedRow[] => sequences.map((sequence) => row('s', sequence));
const known = (seen: Seen): SeenBySource => new Map([['s', seen]]);
const inserted = (decided: Decided<Row>): readonly unknown[] => decided.rows.map((values) => values[1]);

test.each([
  ['new, once', NOTHING_SEEN, [], [1], [1], 0],
  ['new, twice in the batch', NOTHING_SEEN, [], [1, 1], [1], 1],
  ['seen', seenFromTable({ lowest: 1, highest: 3, distinct: 3 }), [], [2], [], 1],
  ['to be asked, and there', seenFromTable({ lowest: 1, highest: 3, distinct: 2 }), [2], [2], [], 1],
  ['to be asked, and not there', seenFromTable({ lowest: 1, highest: 3, distinct: 2 }), [], [2], [2], 0],
  ['to be asked, not there, twice in the batch', seenFromTable({ lowest: 1, highest: 3, distinct: 2 }), [], [2, 2], [2], 1],
] as const)('a number that is %s', (_case, seen, present, batch, expected, repeats) => {
  const decided = decide(rows(...batch), known(seen), new Map([['s', new Set<number>(present)]]), NO_LIMIT);
  expect(inserted(decided)).toEqual(expected);
  expect(decided.repeats).toBe(repeats);
});

test('sources are counted by themselves', () => {
  const batch = [row('a', 1), row('b', 1), row('a', 1)];
  expect(unknownSources(batch, new Map())).toEqual(['a', 'b']);
  const decided = decide(batch, new Map(), new Map(), NO_LIMIT);
  expect(decided.rows).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
  expect([...decided.seen.keys()]).toEqual(['a', 'b']);
});

test('only what memory cannot tell is asked, once', () => {
  const seen = new Map([
    ['a', seenFromTable({ lowest: 1, highest: 5, distinct: 4 })],
    ['b', seenFromTable({ lowest: 1, highest: 5, distinct: 5 })],
  ]);
  const batch = [row('a', 2), row('a', 2), row('a', 6), row('b', 2)];
  expect(numbersToAsk(batch, seen)).toEqual(new Map([['a', new Set([2])]]));
});

test('a limit on gaps that is reached inside a batch does not let a number in twice', () => {
  const decided = decide(rows(2, 4, 6, 2, 4, 1, 1), known(NOTHING_SEEN), new Map(), { rangesMax: 0 });
  expect(inserted(decided)).toEqual([2, 4, 6, 1]);
  expect(decided.seen.get('s')).toEqual({ highest: 6, missing: [], askThrough: 5 });
});

test('however the numbers come and are cut into batches, the table has each once, with any limit and any loss of memory', () => {
  const batch = fc.record({
    numbers: fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 30 })), { maxLength: 25 }),
    forget: fc.boolean(),
    rangesMax: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 12 }), (batches) => {
      const table = new Map<string, number[]>([
        ['a', []],
        ['b', []],
      ]);
      const memory = new Map<string, Seen>();
      const sent = new Set<string>();
      for (const { numbers, forget, rangesMax } of batches) {
        if (forget) memory.clear();
        const incoming = numbers.map(([source, sequence]) => row(source, sequence));
        for (const [source, sequence] of numbers) sent.add(`${source}${sequence}`);
        for (const source of unknownSources(incoming, memory)) {
          const there = table.get(source) ?? [];
          memory.set(
            source,
            there.length === 0
              ? NOTHING_SEEN
              : seenFromTable({ lowest: Math.min(...there), highest: Math.max(...there), distinct: new Set(there).size }),
          );
        }
        const asked = numbersToAsk(incoming, memory);
        const present = new Map([...asked].map(([source, ofSource]) => [source, ofSource.intersection(new Set(table.get(source)))]));
        const decided = decide(incoming, memory, present, { rangesMax });
        for (const [source, sequence] of decided.rows) table.get(source as string)?.push(sequence as number);
        for (const [source, seen] of decided.seen) memory.set(source, seen);
        expect(decided.rows.length + decided.repeats).toBe(incoming.length);
      }
      const there = [...table].flatMap(([source, sequences]) => sequences.map((sequence) => `${source}${sequence}`));
      expect(there.toSorted()).toEqual([...sent].toSorted());
    }),
  );
});
