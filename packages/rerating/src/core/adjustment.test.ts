import { checkUsageEvent, type PricedEvent, type UsageEvent } from '@tokenledger/domain';
import { type PriceBook, rateEvent } from '@tokenledger/pricing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adjustment, differences } from './adjustment.ts';
import { FIRST_BOOK, MODELS, SAME_BOOK, type SampleAttempt, sampleEvent, SECOND_BOOK } from './sample-books.ts';
import { type LedgerRow, netLines, standingsOf } from './standing.ts';

/** As the ledger gives it back. */
function rowOf({ event, ratings, priceVersion }: PricedEvent): LedgerRow {
  return {
    event,
    partition: 0,
    priceVersion,
    attempts: ratings.map(({ cost, unpricedReason, lineItems }) => ({ cost, unpricedReason, lines: lineItems })),
  };
}

let statements = 0;

/** Posts what a book corrects. */
function rerated(rows: readonly LedgerRow[], book: PriceBook): readonly LedgerRow[] {
  statements += 1;
  const source = `rerate/${statements}`;
  return standingsOf(rows).standings.flatMap((standing, index) => {
    const changes = differences(standing, rateEvent(standing.event, book).ratings);
    return changes === null
      ? []
      : [rowOf(adjustment(standing, changes, book.version, { source, sequence: index + 1, recordedAtMs: 2e12 + statements }))];
  });
}

const tokens = fc.record({ input: fc.nat(5_000), cached: fc.nat(5_000), output: fc.nat(5_000) });
const attempt: fc.Arbitrary<SampleAttempt> = fc.record({ model: fc.constantFrom(...MODELS), tokens: fc.option(tokens, { freq: 8 }) });
const events: fc.Arbitrary<readonly UsageEvent[]> = fc
  .array(fc.array(attempt, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((all) => all.map((attempts, index) => sampleEvent(index + 1, attempts)));
const book = fc.constantFrom(FIRST_BOOK, SECOND_BOOK, SAME_BOOK);
const recorded = (all: readonly UsageEvent[]): readonly LedgerRow[] => all.map((event) => rowOf(rateEvent(event, FIRST_BOOK)));

const costs = (rows: readonly LedgerRow[]): bigint =>
  rows.reduce((sum, row) => sum + row.attempts.reduce((one, { cost }) => one + (cost ?? 0n), 0n), 0n);

describe('re-rating', () => {
  test('makes the ledger say what the new prices say, after whatever was re-rated before', () => {
    fc.assert(
      fc.property(events, fc.array(book, { minLength: 1, maxLength: 5 }), (all, books) => {
        let rows = recorded(all);
        for (const one of books) rows = [...rows, ...rerated(rows, one)];
        const { standings, orphans } = standingsOf(rows);
        expect(orphans).toBe(0);
        const last = books.at(-1) as PriceBook;
        for (const { event, attempts } of standings) {
          const { ratings } = rateEvent(event, last);
          expect(attempts.map(({ cost }) => cost)).toEqual(ratings.map(({ cost }) => cost));
          for (const { cost, lines } of attempts) expect(lines.reduce((sum, { amount }) => sum + amount, 0n)).toBe(cost ?? 0n);
        }
      }),
    );
  });

  test('at the same prices posts nothing, whatever these are called', () => {
    fc.assert(
      fc.property(events, book, (all, one) => {
        const rows = recorded(all);
        expect(rerated(rows, FIRST_BOOK)).toEqual([]);
        expect(rerated(rows, SAME_BOOK)).toEqual([]);
        const corrected = [...rows, ...rerated(rows, one)];
        expect(rerated(corrected, one)).toEqual([]);
      }),
    );
  });

  test('there and back sums to zero, in all, per line and in what is unpriced', () => {
    fc.assert(
      fc.property(events, (all) => {
        const rows = recorded(all);
        const there = rerated(rows, SECOND_BOOK);
        const back = rerated([...rows, ...there], FIRST_BOOK);
        const corrections = [...there, ...back];
        expect(costs(corrections)).toBe(0n);
        expect(netLines(corrections.flatMap((row) => row.attempts.flatMap(({ lines }) => lines)))).toEqual([]);
        const before = standingsOf(rows).standings.map(({ attempts }) => attempts.map(({ cost }) => cost));
        expect(standingsOf([...rows, ...corrections]).standings.map(({ attempts }) => attempts.map(({ cost }) => cost))).toEqual(before);
      }),
    );
  });

  test('a part after the other posts what the whole does', () => {
    fc.assert(
      fc.property(events, fc.nat(12), (all, cut) => {
        const rows = recorded(all);
        const parts = [...rerated(rows.slice(0, cut), SECOND_BOOK), ...rerated(rows.slice(cut), SECOND_BOOK)];
        const said = (corrections: readonly LedgerRow[]): unknown =>
          corrections.map(({ event, attempts }) => [event.adjustsEventId, attempts]);
        expect(said(parts)).toEqual(said(rerated(rows, SECOND_BOOK)));
      }),
    );
  });

  test('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(events, fc.infiniteStream(fc.nat()), (all, random) => {
        const rows = recorded(all);
        const there = [...rows, ...rerated(rows, SECOND_BOOK)];
        const shuffled = there.map((row) => [random.next().value as number, row] as const).toSorted(([left], [right]) => left - right);
        const costsOf = (some: readonly LedgerRow[]): unknown =>
          new Map(standingsOf(some).standings.map(({ event, attempts }) => [event.eventId, attempts.map(({ cost }) => cost)]));
        expect(costsOf(shuffled.map(([, row]) => row))).toEqual(costsOf(there));
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
  const changes = differences(standing, rateEvent(event, SECOND_BOOK).ratings) ?? [];
  const posted = adjustment(standing, changes, SECOND_BOOK.version, { source: 'rerate/x', sequence: 3, recordedAtMs: 2e12 });

  test('says of each attempt whether its cost was known and is', () => {
    expect(changes.map(({ cost, unpricedReason }) => [cost, unpricedReason])).toEqual([
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

  test('of an event that has left is no event', () => {
    expect(standingsOf([rowOf(posted)])).toEqual({ standings: [], orphans: 1 });
  });
});
