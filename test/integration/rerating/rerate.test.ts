// Re-rating against a real log, a real writer and ClickHouse: the ledger says what the new prices say, however often and wherever it was killed.
import { AppError } from '@tokenledger/domain';
import type { Producer } from '@tokenledger/event-log';
import { type Differences, type Rerated, rerateDifferences, total } from '@tokenledger/rerating';
import { rateEvent } from '@tokenledger/pricing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AFTER, BEFORE } from '../../support/rerating-events.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { Killed, openWorld, type World } from './world.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());

const EVENTS = 66;
const cost = (): Promise<string> => ledger.value('SELECT toString(sum(cost_usd)) FROM usage_events');
const unpriced = (): Promise<string> => ledger.value('SELECT toString(sum(events_unpriced)) FROM usage_by_hour');
const corrections = (): Promise<string> => ledger.value(`SELECT toString(count()) FROM usage_events WHERE kind = 'rerate'`);
const repeats = (): Promise<string> =>
  ledger.value(`SELECT toString(count() - uniqExact(source, log_partition, sequence)) FROM usage_events`);

const trimmed = (usd: string): string => usd.replace(/\.?0+$/, '');

async function expectAt(world: World, book: typeof BEFORE): Promise<void> {
  expect(trimmed(await cost())).toBe(trimmed(world.costAt(book)));
  expect(await unpriced()).toBe(String(world.unpricedAt(book)));
  expect(await repeats()).toBe('0');
}

test('a period costs what the new prices say, and running it again posts nothing', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  await expectAt(world, BEFORE);
  const first = await world.rerate(AFTER);
  expect(first.posted).toMatchObject({ source: 'rerate/1', refused: 0 });
  expect(total(first.rows)).toMatchObject({ events: EVENTS, corrected: first.posted?.lines ?? -1 });
  await expectAt(world, AFTER);
  expect(await corrections()).toBe(String(first.posted?.lines));

  expect((await world.rerate(AFTER)).posted).toBeNull();
  const back = await world.rerate(BEFORE);
  expect(total(back.rows).corrected).toBe(first.posted?.lines);
  await expectAt(world, BEFORE);
  expect(await ledger.value(`SELECT toString(sum(cost_usd)) FROM usage_events WHERE kind = 'rerate'`)).toMatch(/^0(\.0+)?$/);
  expect(await ledger.value(`SELECT toString(sum(attempts_unpriced)) FROM usage_events WHERE kind = 'rerate'`)).toBe('0');
});

test('events of the same moment keep their own corrections', async () => {
  await using world = await openWorld(ledger, { stepMs: 0 });
  await world.fill(EVENTS);
  for (const book of [AFTER, BEFORE, AFTER]) {
    expect(await world.rerate(book)).toMatchObject({ orphans: 0, posted: { refused: 0 } });
    await expectAt(world, book);
  }
});

test('results that name their request are re-rated once, though an hour is read in parts', async () => {
  await using world = await openWorld(ledger, { stepMs: 1_000 });
  // Several requests, so that a part has a result and another its correction, if these went by the request.
  const submissionOf = (sequence: number): string => `00000000-0000-7000-8000-${String(sequence).padStart(12, '0')}`;
  await world.fill(EVENTS, (event) => ({ ...event, kind: 'import', adjustsEventId: submissionOf(event.sequence) }));
  expect((await world.rerate(AFTER)).orphans).toBe(0);
  const again = await world.rerate(AFTER);
  expect({ posted: again.posted, orphans: again.orphans }).toEqual({ posted: null, orphans: 0 });
  await expectAt(world, AFTER);
  // Views, too, take each result for an event of its own, and for no correction.
  const withoutPrice = world
    .events()
    .filter((event) => rateEvent(event, AFTER).ratings.some((each) => each.unpricedReason === 'model_unknown'));
  expect(await ledger.value('SELECT sum(events) FROM unpriced')).toBe(String(withoutPrice.length));
  expect(await ledger.value('SELECT count() FROM corrections')).toBe(await corrections());
  expect(await ledger.value(`SELECT count() FROM events_as_of(as_of = '2100-01-01 00:00:00')`)).toBe(String(EVENTS));
});

test('every row sums to its lines, and its lines to their prices', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  await world.rerate(AFTER);
  const [row] = await ledger.clickhouse.query<Record<string, string>>(
    `SELECT countIf(arraySum(line_items.amount_usd) != ifNull(cost_usd, 0)) AS unequal,
       sum(arraySum(arrayMap((quantity, price, per, amount) -> toUInt64(quantity * price / per != amount), line_items.quantity, line_items.unit_price_usd, line_items.per_units, line_items.amount_usd))) AS odd,
       countIf(kind = 'rerate' AND (isNotNull(total_tokens) OR isNotNull(duration_ms) OR attempts_usage_unknown != 0)) AS measured
     FROM usage_events WHERE unpriced_reason = '' OR kind = 'rerate'`,
  );
  expect(row).toEqual({ unequal: '0', odd: '0', measured: '0' });
});

// To be killed before a send is to be killed after the one before.
test('killed after any of its sends, the next run makes it whole', { timeout: 400_000 }, async () => {
  await using world = await openWorld(ledger);
  await world.fill(12);
  let dead = true;
  for (let send = 1; dead; send += 1) {
    const book = send % 2 === 1 ? AFTER : BEFORE;
    dead = await world.rerate(book, { dies: { send } }).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Killed) return true;
        throw error;
      },
    );
    const unfinished: string[] = [];
    const again = await world.rerate(book, { onUnfinished: ({ source }) => unfinished.push(source) });
    // What was fixed is posted as it was, and that is all.
    const [source] = unfinished;
    if (source !== undefined) expect({ send, ...again }).toMatchObject({ send, resumed: true, posted: { source } });
    await expectAt(world, book);
  }
});

test('an interrupted one that was fixed is posted as it was fixed, whatever prices have become, and what else is asked is rated after it', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  const real = await world.log.producer();
  const dying: Producer = {
    close: () => real.close(),
    async send(topic, partition, records) {
      if (topic === world.topics.usagePriced) throw new Killed('before anything of it is posted');
      return real.send(topic, partition, records);
    },
  };
  const facts = { by: 'ann', note: '', reopen: '', details: { price_version: 'the one that is asked for' } };
  const shown: Differences[] = [];
  const onDifferences = (found: Differences): void => void shown.push(found);
  await expect(world.rerate(AFTER, { producer: dying, facts, onDifferences })).rejects.toThrow(Killed);
  await expectAt(world, BEFORE);
  // The same question, to which the answer would be another by now.
  const resumed = await world.rerate(BEFORE, { facts: { ...facts, by: 'bob' }, onDifferences });
  expect(resumed).toMatchObject({ resumed: true, posted: { source: 'rerate/1', lines: total(resumed.rows).corrected } });
  expect(shown).toEqual([shown[0], shown[0]]);
  expect(resumed).toMatchObject({ ...shown[0] });
  await expectAt(world, AFTER);

  await expect(world.rerate(BEFORE, { producer: dying, facts })).rejects.toThrow(Killed);
  // Another question: a part of the same period.
  const part = { ...world.period, tenants: ['acme'] };
  const other = await world.rerate(AFTER, { facts, selection: part });
  expect(other).toMatchObject({ resumed: false, posted: { source: 'rerate/4' } });
  expect((await world.rerate(AFTER)).posted).not.toBeNull();
  await expectAt(world, AFTER);
  await real.close();
});

test('of two who correct the same at the same time, one is overtaken and posts nothing', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  const real = await world.log.producer();
  let other: Promise<Rerated> | undefined;
  const producer: Producer = {
    close: () => real.close(),
    async send(topic, partition, records) {
      // The first has claimed and rated, and fixed nothing yet.
      if (topic === world.topics.statementLines) await (other ??= world.rerate(AFTER));
      return real.send(topic, partition, records);
    },
  };
  const slow = world.rerate(AFTER, { producer });
  await expect(slow).rejects.toThrow(expect.objectContaining({ code: 'STATEMENT_OVERTAKEN' }));
  expect((await other)?.posted).toMatchObject({ source: 'rerate/2' });
  await expectAt(world, AFTER);
  await producer.close();
});

test('a part after the other changes what the whole would, and filters keep to what they name', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  const { period } = world;
  const look = async (change: Partial<typeof period>) =>
    total(
      (
        await rerateDifferences({
          clickhouse: ledger.clickhouse,
          selection: { ...period, ...change },
          rate: (event) => rateEvent(event, AFTER),
        })
      ).rows,
    );
  const middle = Math.round((period.fromMs + period.toMs) / 2);
  const whole = await look({});
  for (const parts of [
    [await look({ toMs: middle }), await look({ fromMs: middle })],
    [await look({ tenants: ['acme'] }), await look({ tenants: ['globex'] })],
    [await look({ models: ['small'] }), await look({ models: ['old', 'new'] })],
  ]) {
    expect(parts.reduce((sum, { amounts }) => sum + amounts.cost.after, 0n)).toBe(whole.amounts.cost.after);
    expect(parts.reduce((sum, { corrected }) => sum + corrected, 0)).toBe(whole.corrected);
  }
  await world.rerate(AFTER, { selection: { ...period, toMs: middle } });
  await world.rerate(AFTER, { selection: { ...period, fromMs: middle } });
  await expectAt(world, AFTER);
});

test('a closed period is refused unless it is opened with a reason, which stands beside its rows', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  const { fromMs } = world.period;
  const closedPeriods = [{ id: '2026-10', tenant: 'acme', fromMs, toMs: fromMs + 3_600_000 }];
  await expect(world.rerate(AFTER, { closedPeriods })).rejects.toThrow(expect.objectContaining({ code: 'PERIOD_CLOSED' }));
  await expect(world.rerate(AFTER, { closedPeriods, selection: { ...world.period, tenants: ['globex'] } })).resolves.toBeDefined();
  const facts = { by: 'ann', note: 'autumn', reopen: 'the provider corrected its bill', details: {} };
  const { posted } = await world.rerate(AFTER, { closedPeriods, facts });
  expect(posted).not.toBeNull();
  await expectAt(world, AFTER);
});

test('nothing is posted that takes prices away, unless that is said', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  await expect(world.rerate(AFTER, { mayUnprice: false })).rejects.toThrow(expect.objectContaining({ code: 'PRICES_LOST' }));
  await expectAt(world, BEFORE);
  const { posted } = await world.rerate(AFTER, { mayUnprice: false, selection: { ...world.period, models: ['small', 'new'] } });
  expect(posted).not.toBeNull();
});

test('a statement that could not be read later is refused before it begins', async () => {
  await using world = await openWorld(ledger);
  const tenants = Array.from({ length: 500 }, (_, index) => `tenant-${index}`);
  const refused = world.rerate(AFTER, { selection: { ...world.period, tenants } });
  await expect(refused).rejects.toThrow(
    expect.objectContaining({ code: 'STATEMENT_FACTS_INVALID', message: expect.stringMatching(/tenants/) }),
  );
  await expect(world.rerate(AFTER)).resolves.toMatchObject({ posted: null });
});

test('the difference is of what is known: a failure before it is fixed posts nothing', async () => {
  await using world = await openWorld(ledger);
  await world.fill(EVENTS);
  const failing = world.rerate(AFTER, {
    rate: () => {
      throw new AppError('PRICE_BOOK_INVALID', 'no');
    },
  });
  await expect(failing).rejects.toThrow('no');
  await expectAt(world, BEFORE);
  await world.rerate(AFTER);
  await expectAt(world, AFTER);
});
