import { isRejected } from '@tokenledger/domain';
import type { OutgoingRecord, Producer } from '@tokenledger/event-log';
import { decodeLandedLane, type LandedLane } from '@tokenledger/schemas';
import { createLandedAnnouncer, type LandedAnnouncer, type LaneName, readLanded } from '@tokenledger/writer';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { insertEvents, insertLetters, type Lane, numbers } from './numbers.ts';

const NOW_MS = 1_762_000_000_000;
const LANE: Lane = { source: 'ingress/a', partition: 3 };

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
}, 60_000);
afterAll(() => ledger[Symbol.asyncDispose]());
beforeEach(() => ledger.empty());

const reader = () => ({ clickhouse: ledger.clickhouse, database: ledger.clickhouse.database });
const read = (lanes: readonly LaneName[], change: { readonly through?: number; readonly ranges?: number; readonly page?: number } = {}) =>
  readLanded(lanes, () => change.through ?? 0, {
    reader: reader(),
    rangesMax: change.ranges ?? 100,
    pageNumbersMax: change.page ?? 1_000,
    nowMs: NOW_MS,
  });

test('a number has landed as an event or as a dead letter', async () => {
  await insertEvents(ledger.clickhouse, LANE, [1, 2, 5]);
  await insertEvents(ledger.clickhouse, LANE, [8]);
  await insertLetters(ledger.clickhouse, LANE, [3, 9]);
  expect(await read([LANE])).toEqual([
    {
      ...LANE,
      through: 3,
      highest: 9,
      missing: [
        { from: 4, to: 4 },
        { from: 6, to: 7 },
      ],
      atMs: NOW_MS,
    },
  ]);
});

test('other lanes are not in the way, and a lane without a number is absent', async () => {
  await insertEvents(ledger.clickhouse, LANE, [1, 2]);
  await insertEvents(ledger.clickhouse, { ...LANE, partition: 4 }, [1]);
  await insertEvents(ledger.clickhouse, { ...LANE, source: 'ingress/b' }, [2]);
  const lanes = [LANE, { source: 'ingress/b', partition: 4 }, { source: 'ingress/none', partition: 3 }];
  expect(await read(lanes)).toEqual([{ ...LANE, through: 2, highest: 2, missing: [], atMs: NOW_MS }]);
});

test('a repeat does not stand for what is missing', async () => {
  await insertEvents(ledger.clickhouse, LANE, [1, 3, 3]);
  expect(await read([LANE])).toMatchObject([{ through: 1, highest: 3, missing: [{ from: 2, to: 2 }] }]);
});

test('of very many gaps the lowest are told', async () => {
  await insertEvents(ledger.clickhouse, LANE, [2, 4, 6, 8]);
  expect(await read([LANE], { ranges: 2 })).toMatchObject([
    {
      through: 0,
      highest: 8,
      missing: [
        { from: 1, to: 1 },
        { from: 3, to: 3 },
      ],
    },
  ]);
});

test('whatever is there, in whatever pages it is read, and from wherever it landed the last time, what is missing is found', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 100 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat({ max: 130 }),
      async (there, page, through) => {
        await ledger.empty();
        await insertEvents(ledger.clickhouse, LANE, there);
        const highest = Math.max(...there);
        const [lane] = await read([LANE], { page, through: Math.min(through, highest - 1) });
        const missing = lane?.missing.flatMap(({ from, to }) => numbers(from, to));
        expect(missing).toEqual(numbers(1, highest).filter((number) => !there.includes(number)));
        expect(lane).toMatchObject({ highest, through: (missing?.[0] ?? highest + 1) - 1 });
      },
    ),
    { numRuns: 12 },
  );
});

test('rows are counted by their projection, not read', async () => {
  await insertEvents(ledger.clickhouse, LANE, numbers(1, 5));
  const queries: string[] = [];
  const watched = {
    ...reader(),
    clickhouse: new Proxy(ledger.clickhouse, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name !== 'query') return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        return (sql: string, options: { readonly params?: Record<string, unknown> }) => {
          queries.push(sql);
          return target.query(sql, { ...options, settings: { force_optimize_projection: 1 } });
        };
      },
    }),
  };
  const options = { reader: watched, rangesMax: 10, pageNumbersMax: 10, nowMs: NOW_MS };
  expect(await readLanded([LANE], () => 0, options)).toMatchObject([{ through: 5 }]);
  expect(queries).toHaveLength(1);
});

interface Announced {
  readonly announcer: LandedAnnouncer;
  readonly lanes: LandedLane[];
  readonly sent: { readonly topic: string; readonly partition: number; readonly record: OutgoingRecord }[];
  readonly failures: unknown[];
}

function announcing(fail: () => boolean = () => false): Announced {
  const sent: Announced['sent'] = [];
  const lanes: LandedLane[] = [];
  const failures: unknown[] = [];
  const producer: Producer = {
    send(topic, partition, records) {
      if (fail()) return Promise.reject(new Error('away'));
      for (const record of records) {
        sent.push({ topic, partition, record });
        const decoded = decodeLandedLane(record.value ?? new Uint8Array());
        if (!isRejected(decoded)) lanes.push(decoded);
      }
      return Promise.resolve({ topic, partition, baseOffset: sent.length });
    },
    close: () => Promise.resolve(),
  };
  const announcer = createLandedAnnouncer({
    reader: reader(),
    producer,
    topic: 'landed',
    partitions: 2,
    everyMs: 20,
    rangesMax: 10,
    now: () => NOW_MS,
    onFailure: (error) => failures.push(error),
    onAnnounced: () => undefined,
  });
  return { announcer, lanes, sent, failures };
}

const until = (what: string, condition: () => boolean) => waitFor(condition, { timeoutMs: 5_000, describe: what });

test('what was written is announced under its lane, and read anew each time', async () => {
  const { announcer, lanes, sent } = announcing();
  await insertEvents(ledger.clickhouse, LANE, [1, 2]);
  announcer.written(LANE.partition, [LANE.source, '@unreadable/3']);
  await until('the first announcement', () => lanes.length === 1);
  expect(sent).toMatchObject([{ topic: 'landed', partition: 1, record: { key: 'ingress/a/3' } }]);
  expect(lanes[0]).toMatchObject({ through: 2, highest: 2 });

  // Rows that vanish are missed, whatever was said before.
  await ledger.empty();
  await insertEvents(ledger.clickhouse, LANE, [2, 3]);
  announcer.written(LANE.partition, [LANE.source]);
  await until('the second announcement', () => lanes.length === 2);
  expect(lanes[1]).toMatchObject({ through: 0, highest: 3, missing: [{ from: 1, to: 1 }] });
  await announcer.close();
});

test('what could not be said is said later, and at the latest when it closes', async () => {
  let away = true;
  const { announcer, lanes, failures } = announcing(() => away);
  await insertEvents(ledger.clickhouse, LANE, [1]);
  announcer.written(LANE.partition, [LANE.source]);
  await until('a failure', () => failures.length > 0);
  away = false;
  await until('the announcement', () => lanes.length === 1);
  await insertEvents(ledger.clickhouse, LANE, [2]);
  announcer.written(LANE.partition, [LANE.source]);
  await announcer.close();
  expect(lanes.at(-1)).toMatchObject({ through: 2 });
});
