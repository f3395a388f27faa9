import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Ledger, openLedger } from './ledger.ts';
import { insertEvents, insertLetters, insertSource, type Lane, numbers } from './numbers.ts';

const LANE: Lane = { source: 'ingress/a', partition: 3 };

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
}, 60_000);
afterAll(() => ledger[Symbol.asyncDispose]());
beforeEach(() => ledger.empty());

const completeness = () => ledger.clickhouse.query<Record<string, unknown>>('SELECT * FROM completeness ORDER BY source, log_partition');

test('a source that is complete up to its announcement has nothing missing and nothing repeated', async () => {
  await insertEvents(ledger.clickhouse, LANE, [1, 2]);
  await insertLetters(ledger.clickhouse, LANE, [3]);
  await insertSource(ledger.clickhouse, LANE.source, { 3: 3 }, { closed: true });
  expect(await completeness()).toEqual([
    {
      source: LANE.source,
      log_partition: 3,
      first_sequence: '1',
      last_sequence: '3',
      announced_sequence: '3',
      rows: '3',
      distinct_sequences: '3',
      missing: '0',
      awaited: '0',
      repeats: '0',
      missing_ranges: [],
      closed: true,
    },
  ]);
});

test('missing ranges are listed, from the first number to the last that was announced', async () => {
  await insertEvents(ledger.clickhouse, LANE, [3, 4, 4, 8]);
  await insertSource(ledger.clickhouse, LANE.source, { 3: 11 });
  expect(await completeness()).toMatchObject([
    {
      first_sequence: '3',
      last_sequence: '8',
      announced_sequence: '11',
      rows: '4',
      missing: '8',
      awaited: '3',
      repeats: '1',
      missing_ranges: [
        ['1', '2'],
        ['5', '7'],
        ['9', '11'],
      ],
      closed: false,
    },
  ]);
});

test('one missing and one repeated number do not make up for each other', async () => {
  await insertEvents(ledger.clickhouse, LANE, [1, 3, 3]);
  expect(await completeness()).toMatchObject([
    { rows: '3', missing: '1', repeats: '1', missing_ranges: [['2', '2']], announced_sequence: null, closed: null },
  ]);
});

test('a source of which nothing has arrived is there with all that it announced', async () => {
  await insertSource(ledger.clickhouse, LANE.source, { 0: 2, 3: 5 });
  expect(await completeness()).toMatchObject([
    { log_partition: 0, first_sequence: '0', last_sequence: '0', rows: '0', missing: '2', missing_ranges: [['1', '2']] },
    { log_partition: 3, missing: '5', awaited: '5', missing_ranges: [['1', '5']] },
  ]);
});

test('the newest announcement counts, whenever it arrived', async () => {
  await insertSource(ledger.clickhouse, LANE.source, { 3: 9 }, { atMs: 1_762_000_002_000, closed: true });
  await insertSource(ledger.clickhouse, LANE.source, { 3: 5 }, { atMs: 1_762_000_001_000 });
  expect(await completeness()).toMatchObject([{ announced_sequence: '9', closed: true }]);
});

test('the place of a message that had no identity is no source', async () => {
  await insertLetters(ledger.clickhouse, { source: '@elsewhere/3', partition: 3 }, [77]);
  expect(await completeness()).toEqual([]);
});

test('events are read through the projection alone, in several parts and once they are merged', async () => {
  const explained = async (): Promise<string> => {
    const lines = await ledger.clickhouse.query<{ explain: string }>('EXPLAIN projections = 1, indexes = 1 SELECT * FROM completeness');
    return lines.map(({ explain }) => explain).join('\n');
  };
  const partsOf = async (): Promise<number> =>
    Number(await ledger.value(`SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'usage_events' AND active`));
  await ledger.clickhouse.command('SYSTEM STOP MERGES usage_events');
  for (let from = 1; from <= 5; from++) await insertEvents(ledger.clickhouse, LANE, numbers(from * 10, from * 10 + 9));
  expect(await partsOf()).toBe(5);
  const inParts = await completeness();
  const plans = [await explained()];

  await ledger.clickhouse.command('SYSTEM START MERGES usage_events');
  await ledger.clickhouse.command('OPTIMIZE TABLE usage_events FINAL');
  expect(await partsOf()).toBe(1);
  expect(await completeness()).toEqual(inParts);
  plans.push(await explained());
  for (const plan of plans) {
    const reads = plan.split('\n').filter((line) => /ReadFromMergeTree/.test(line));
    expect(reads.length).toBeGreaterThan(0);
    // What is read of a table itself is named after it; what is read of a projection, after that.
    expect(reads.filter((line) => /usage_events/.test(line))).toEqual([]);
    expect(reads.filter((line) => /\(completeness\)/.test(line)).length).toBeGreaterThan(0);
  }
});
