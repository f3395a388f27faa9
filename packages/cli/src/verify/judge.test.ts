import { expect, test } from 'vitest';
import { judgeCompleteness, judgeEventIds, judgeLog, judgeRollups, judgeSealedDays, type Lane, laneKey, type SealedDay } from './judge.ts';

const LANE: Lane = { source: 's', partition: 0, highest: 9, missing: [], repeats: 0, closed: false };
const WAY = new Map([[laneKey('s', 0), [{ from: 4, to: 5 }]]]);
const GAPS = [
  { from: 4, to: 5 },
  { from: 10, to: 12 },
];

test.each([
  { given: 'nothing missing', lane: LANE, way: new Map(), whats: [] },
  { given: 'numbers that wait in the log', lane: { ...LANE, missing: GAPS }, way: WAY, whats: [] },
  { given: 'a gap', lane: { ...LANE, missing: GAPS }, way: new Map(), whats: ['2 missing: 4–5'] },
  { given: 'announced by a source that is closed', lane: { ...LANE, missing: GAPS, closed: true }, way: WAY, whats: ['3 missing: 10–12'] },
  { given: 'a repeat', lane: { ...LANE, repeats: 2 }, way: new Map(), whats: ['2 there more than once'] },
])('completeness, $given: $whats', ({ lane, way, whats }) => {
  expect(judgeCompleteness([lane], way).differences).toEqual(whats.map((what) => ({ where: 's in partition 0', what })));
});

test('each event id that two rows have is named', () => {
  expect(judgeEventIds(5, [{ eventId: 'e', rows: 2 }]).differences).toEqual([{ where: 'e', what: '2 rows have this event id' }]);
  expect(judgeEventIds(5, []).differences).toEqual([]);
});

test('each sum that differs is named by its column', () => {
  const base = { events: '2', cost_usd: '1.5', cache_read_tokens: null };
  expect(judgeRollups([{ where: 'd', rollup: { ...base }, base }]).differences).toEqual([]);
  expect(judgeRollups([{ where: 'd', rollup: { ...base, cost_usd: '1.4' }, base }]).differences).toEqual([
    { where: 'd', what: 'cost_usd is 1.4, and its rows have 1.5' },
  ]);
  expect(judgeRollups([{ where: 'd', rollup: null, base: { events: '2' } }]).differences).toHaveLength(1);
  expect(judgeRollups([{ where: 'd', rollup: { events: '0' }, base: null }]).differences).toHaveLength(1);
});

const DAY: SealedDay = {
  where: 'd',
  rollup: { events: '2' },
  base: { events: '2' },
  retired: false,
  sealedRows: 2,
  baseRows: 2,
  numbers: 0,
};
const retired = { ...DAY, base: null, baseRows: 0, retired: true };

test.each([
  { given: 'as it was sealed', day: DAY, differences: 0, notes: 0 },
  { given: 'with another sum', day: { ...DAY, rollup: { events: '3' } }, differences: 1, notes: 0 },
  { given: 'with a row that came late', day: { ...DAY, baseRows: 3, base: { events: '3' } }, differences: 0, notes: 1 },
  { given: 'with a row that is gone', day: { ...DAY, baseRows: 1 }, differences: 1, notes: 0 },
  { given: 'without its raw rows', day: { ...retired, numbers: 2 }, differences: 0, notes: 0 },
  { given: 'without its raw rows, with another count of numbers', day: { ...retired, numbers: 3 }, differences: 1, notes: 0 },
])('a sealed day $given: $differences differences', ({ day, differences, notes }) => {
  const check = judgeSealedDays([day]);
  expect([check.differences.length, check.notes.length]).toEqual([differences, notes]);
});

test('every consumed record has its place, and one that has none is named', () => {
  const lane = laneKey('s', 3);
  const consumed = {
    group: 'writer',
    topic: 't',
    partition: 3,
    consumed: 14,
    records: 14,
    numbers: new Map([['s', [{ from: 1, to: 12 }]]]),
  };
  const tables = {
    written: new Map([[lane, [{ from: 1, to: 5 }]]]),
    rejected: new Map([[lane, [{ from: 5, to: 7 }]]]),
    deadLettered: new Map([[lane, [{ from: 8, to: 8 }]]]),
  };
  const { check, accounts } = judgeLog([consumed], tables, new Map([[lane, [{ from: 9, to: 10 }]]]));
  expect(accounts).toEqual([
    {
      group: 'writer',
      topic: 't',
      partition: 3,
      consumed: 14,
      written: 5,
      rejected: 2,
      deadLettered: 1,
      repeats: 2,
      onTheWay: 2,
      missing: 2,
    },
  ]);
  expect(check.differences).toEqual([{ where: 'writer in t/3', what: '2 of s were consumed and are nowhere: 11–12' }]);
  const short = judgeLog([{ ...consumed, records: 12, numbers: new Map([['s', [{ from: 1, to: 5 }]]]) }], tables, new Map());
  expect(short.check.differences).toEqual([{ where: 'writer in t/3', what: '14 offsets were consumed, and 12 records are there' }]);
});
