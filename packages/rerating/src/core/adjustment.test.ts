import {
  ALL_PARTS,
  type AttemptRating,
  checkUsageEvent,
  type LineItem,
  type LineParts,
  ONE,
  plainRating,
  USD,
  type UsageEvent,
} from '@tokenledger/domain';
import { type PriceBook, rateEvent } from '@tokenledger/pricing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adjustment, corrections, type NewRating } from './adjustment.ts';
import { AMOUNTS, netLines } from './amounts.ts';
import { FIRST_BOOK, MODELS, SAME_BOOK, type SampleAttempt, sampleEvent, SECOND_BOOK } from './sample-books.ts';
import { rowOf } from './sample-rows.ts';
import { type LedgerRow, type Standing, standingsOf } from './standing.ts';

type Rate = (event: UsageEvent) => NewRating;

let statements = 0;

/** Posts what a rating corrects. */
function rerated(rows: readonly LedgerRow[], rate: Rate): readonly LedgerRow[] {
  statements += 1;
  const source = `rerate/${statements}`;
  return standingsOf(rows).standings.flatMap((standing) =>
    corrections(standing, rate(standing.event)).map((each) =>
      rowOf(adjustment(standing, each, { source, sequence: 1, recordedAtMs: 2e12 })),
    ),
  );
}

const at =
  (book: PriceBook): Rate =>
  (event) =>
    rateEvent(event, book);

const recorded = (all: readonly UsageEvent[], rate: Rate): readonly LedgerRow[] => all.map((event) => rowOf({ event, ...rate(event) }));

/** What a ledger says of each event, in a form that can be compared. */
function said(rows: readonly LedgerRow[]): unknown {
  const { standings, orphans } = standingsOf(rows);
  expect(orphans).toBe(0);
  return new Map(standings.map((standing) => [standing.event.eventId, saidOf(standing)]));
}

function saidOf({ attempts, avoidedCost, billed }: Standing): unknown {
  return {
    attempts: attempts.map(({ amounts, saved }) => ({ amounts, saved })),
    avoidedCost,
    billed: new Map([...billed].filter(([, amount]) => amount !== 0n)),
  };
}

const tokens = fc.record({ input: fc.nat(5_000), cached: fc.nat(5_000), output: fc.nat(5_000) });
const attempt: fc.Arbitrary<SampleAttempt> = fc.record({ model: fc.constantFrom(...MODELS), tokens: fc.option(tokens, { freq: 8 }) });
const events: fc.Arbitrary<readonly UsageEvent[]> = fc
  .array(fc.array(attempt, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((all) => all.map((attempts, index) => sampleEvent(index + 1, attempts)));

const line: fc.Arbitrary<LineItem> = fc.record({
  usageClass: fc.constantFrom('uncached_input', 'visible_output'),
  quantity: fc.integer({ min: 1, max: 100 }),
  unitPrice: fc.constantFrom(3n, 5n),
  perUnits: fc.constant(1),
  amount: fc.bigInt({ min: 0n, max: 1_000n }),
  entryId: fc.constantFrom('a', 'b'),
  factor: fc.constantFrom(ONE, ONE / 2n),
  priceVersion: fc.constantFrom('', 'contract'),
  partOf: fc.constantFrom<LineParts>(ALL_PARTS, 'list', 'cost', 'billable', 'list,cost', 'list,billable', 'cost,billable'),
});

/** Any rating at all whose amounts are the sums of their lines. */
const rating: fc.Arbitrary<AttemptRating> = fc
  .record({
    lineItems: fc.array(line, { maxLength: 4 }),
    known: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    saved: fc.option(fc.bigInt({ min: -50n, max: 50n })),
  })
  .map(({ lineItems, known: [list, cost, billable], saved }) => {
    const sum = (name: string): bigint =>
      lineItems.reduce((all, { partOf, amount }) => (partOf.split(',').includes(name) ? all + amount : all), 0n);
    const reason = (isKnown: boolean) => (isKnown ? ('' as const) : ('price_missing' as const));
    return {
      cost: cost ? sum('cost') : null,
      unpricedReason: reason(cost),
      lineItems,
      saved,
      candidates: [],
      agreed: {
        contract: 'c1',
        list: list ? sum('list') : null,
        listUnpricedReason: reason(list),
        billable: billable ? sum('billable') : null,
        billableUnpricedReason: reason(billable),
      },
    };
  });

/** A way to rate events of three attempts and fewer, whatever they are. */
const anyRate: fc.Arbitrary<Rate> = fc
  .record({
    ratings: fc.array(rating, { minLength: 3, maxLength: 3 }),
    avoidedCost: fc.option(fc.bigInt({ min: 0n, max: 99n })),
    billing: fc.option(fc.record({ currency: fc.constantFrom('USD', 'EUR', 'GBP'), amount: fc.option(fc.bigInt({ min: 0n, max: 99n })) })),
  })
  .map(({ ratings, avoidedCost, billing }): Rate => (event) => ({
    priceVersion: 'v',
    ratings: ratings.slice(0, event.attempts.length),
    avoidedCost,
    billing: billing === null ? null : { rateCard: 'r', fxRate: null, fxRateId: '', fxSource: '', ...billing },
  }));
const bookRate: fc.Arbitrary<Rate> = fc.constantFrom(FIRST_BOOK, SECOND_BOOK, SAME_BOOK).map(at);
const rate = fc.oneof(anyRate, bookRate);

describe('re-rating', () => {
  test('makes the ledger say what the new rating says, after whatever was re-rated before', () => {
    fc.assert(
      fc.property(events, rate, fc.array(rate, { minLength: 1, maxLength: 5 }), (all, first, others) => {
        let rows = recorded(all, first);
        for (const one of others) rows = [...rows, ...rerated(rows, one)];
        const last = others.at(-1) as Rate;
        expect(said(rows)).toEqual(said(recorded(all, last)));
        for (const { attempts } of standingsOf(rows).standings) {
          for (const { amounts, lines } of attempts) {
            for (const name of AMOUNTS) expect(lines[name].reduce((sum, { amount }) => sum + amount, 0n)).toBe(amounts[name] ?? 0n);
          }
        }
      }),
    );
  });

  test('again in the same way posts nothing', () => {
    fc.assert(
      fc.property(events, rate, rate, (all, first, second) => {
        const rows = recorded(all, first);
        expect(rerated(rows, first)).toEqual([]);
        expect(rerated([...rows, ...rerated(rows, second)], second)).toEqual([]);
      }),
    );
  });

  test('at the same prices under other names posts nothing', () => {
    fc.assert(
      fc.property(events, (all) => {
        expect(rerated(recorded(all, at(FIRST_BOOK)), at(SAME_BOOK))).toEqual([]);
      }),
    );
  });

  test('there and back sums to zero: every amount, every line, what is saved and what is charged', () => {
    fc.assert(
      fc.property(events, rate, rate, (all, first, second) => {
        const rows = recorded(all, first);
        const there = rerated(rows, second);
        const posted = [...there, ...rerated([...rows, ...there], first)];
        const attempts = posted.flatMap((row) => row.attempts);
        for (const name of AMOUNTS) {
          expect(attempts.reduce((sum, { amounts }) => sum + (amounts[name].value ?? 0n), 0n)).toBe(0n);
          const lines = attempts.flatMap((each) => each.lines.filter(({ partOf }) => partOf.split(',').includes(name)));
          expect(netLines(lines).reduce((sum, { amount }) => sum + amount, 0n)).toBe(0n);
        }
        expect(attempts.reduce((sum, { saved }) => sum + (saved ?? 0n), 0n)).toBe(0n);
        for (const [, ofCurrency] of Map.groupBy(posted, ({ currency }) => currency)) {
          expect(ofCurrency.reduce((sum, { billed }) => sum + (billed ?? 0n), 0n)).toBe(0n);
        }
        expect(said([...rows, ...posted])).toEqual(said(rows));
      }),
    );
  });

  test('a part after the other posts what the whole does', () => {
    fc.assert(
      fc.property(events, rate, fc.nat(12), (all, second, cut) => {
        const rows = recorded(all, at(FIRST_BOOK));
        const parts = [...rerated(rows.slice(0, cut), second), ...rerated(rows.slice(cut), second)];
        const told = (posted: readonly LedgerRow[]): unknown => posted.map(({ event, attempts }) => [event.adjustsEventId, attempts]);
        expect(told(parts)).toEqual(told(rerated(rows, second)));
      }),
    );
  });

  test('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(events, rate, rate, fc.infiniteStream(fc.nat()), (all, first, second, random) => {
        const rows = recorded(all, first);
        const there = [...rows, ...rerated(rows, second)];
        const shuffled = there.map((row) => [random.next().value as number, row] as const).toSorted(([left], [right]) => left - right);
        expect(said(shuffled.map(([, row]) => row))).toEqual(said(there));
      }),
    );
  });
});

describe('a correction', () => {
  const event = sampleEvent(7, [
    { model: 'small', tokens: { input: 1_000_000, cached: 0, output: 0 } },
    { model: 'new', tokens: { input: 0, cached: 0, output: 1_000_000 } },
    { model: 'old', tokens: { input: 1_000_000, cached: 0, output: 0 } },
    { model: 'nobody', tokens: null },
  ]);
  const [standing] = standingsOf([rowOf(rateEvent(event, FIRST_BOOK))]).standings;
  if (standing === undefined) throw new Error('an event stands');
  const [correction, ...others] = corrections(standing, rateEvent(event, SECOND_BOOK));
  if (correction === undefined) throw new Error('it is corrected');
  const posted = adjustment(standing, correction, { source: 'rerate/x', sequence: 3, recordedAtMs: 2e12 });

  test('says of each attempt whether its cost was known and is', () => {
    expect(others).toEqual([]);
    expect(correction.ratings.map(({ cost, unpricedReason }) => [cost, unpricedReason])).toEqual([
      [0n, ''],
      [11_000_000_000_000n, 'repriced'],
      [-7_000_000_000_000n, 'model_unknown'],
      [null, 'usage_unknown'],
    ]);
  });

  test('is of the time and the owner of its event, and measures nothing', () => {
    expect(checkUsageEvent(posted.event)).toBeNull();
    expect(posted).toMatchObject({
      priceVersion: SECOND_BOOK.version,
      event: {
        kind: 'rerate',
        source: 'rerate/x',
        sequence: 3,
        adjustsEventId: event.eventId,
        occurredAtMs: event.occurredAtMs,
        recordedAtMs: 2e12,
        attribution: event.attribution,
        durationMs: null,
        requestBytes: null,
      },
    });
    expect(posted.event.eventId).not.toBe(event.eventId);
    expect(posted.event.attempts.map(({ usage, usageReason }) => [usage, usageReason])).toEqual(
      event.attempts.map(() => [null, 'unchanged']),
    );
  });

  test('takes back what was charged in another currency, as a row of that currency', () => {
    const billing = { rateCard: 'r', currency: 'EUR', amount: 90n, fxRate: 900_000_000_000n, fxRateId: 'f', fxSource: 's' };
    const one = sampleEvent(1, [{ model: 'small', tokens: { input: 1, cached: 0, output: 0 } }]);
    const ratings = [plainRating({ cost: 100n, unpricedReason: '', lineItems: [] })];
    const [before] = standingsOf([rowOf({ event: one, priceVersion: 'v', ratings, avoidedCost: null, billing })]).standings;
    const all = corrections(before as Standing, { priceVersion: 'v', ratings, avoidedCost: null, billing: null });
    expect(all.map((each) => [each.billing?.currency ?? USD, rowOf({ event: one, ...each }).billed])).toEqual([
      [USD, 100n],
      ['EUR', -90n],
    ]);
  });

  test('of an event that has left is no event', () => {
    expect(standingsOf([rowOf(posted)])).toEqual({ standings: [], orphans: 1 });
  });
});
