// What the ledger said at a time, and who made it say something else: by the views, over the rows of re-ratings.
import { formatUsd } from '@tokenledger/domain';
import { rateEvent } from '@tokenledger/pricing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AFTER, BEFORE, FIRST_OCCURRED_MS } from '../../support/rerating-events.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { openWorld, type World } from './world.ts';

let ledger: Ledger;
let world: World;
const HOUR_MS = 3_600_000;
const FIRST_POSTED_MS = FIRST_OCCURRED_MS + 1_000 * HOUR_MS;
const SECOND_POSTED_MS = FIRST_POSTED_MS + 24 * HOUR_MS;
const EVENTS = 30;

beforeAll(async () => {
  ledger = await openLedger();
  world = await openWorld(ledger);
  await world.fill(EVENTS);
  const { fromMs } = world.period;
  const closedPeriods = [{ id: '2026-10-01', tenant: 'acme', fromMs, toMs: fromMs + HOUR_MS }];
  const facts = { by: 'ann', note: 'autumn prices', reopen: 'the provider corrected its bill', details: { price_version: AFTER.version } };
  await world.rerate(AFTER, { nowMs: FIRST_POSTED_MS, facts, closedPeriods });
  await world.rerate(BEFORE, { nowMs: SECOND_POSTED_MS });
  const told = async (): Promise<boolean> => (await ledger.value('SELECT count() FROM statements')) === '2';
  await waitFor(told, { timeoutMs: 30_000, describe: 'both statements in the table of sources' });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await ledger[Symbol.asyncDispose]();
});

const asOf = (ms: number): string => `as_of = '${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}'`;

test('the cost as of a time is that of the rows which were recorded by then', async () => {
  const at = async (ms: number): Promise<unknown> =>
    (
      await ledger.clickhouse.query(`SELECT toString(sum(cost_usd)) AS cost, sum(events_unpriced) AS unpriced FROM cost_as_of(${asOf(ms)})`)
    )[0];
  const expected = (book: typeof BEFORE): unknown => ({ cost: trimmed(world.costAt(book)), unpriced: String(world.unpricedAt(book)) });
  expect(await at(FIRST_POSTED_MS - 1)).toEqual(expected(BEFORE));
  expect(await at(FIRST_POSTED_MS)).toEqual(expected(AFTER));
  expect(await at(SECOND_POSTED_MS)).toEqual(expected(BEFORE));
  expect(await at(FIRST_OCCURRED_MS)).toMatchObject({ cost: null });
});

test('each event as of a time costs what it was rated at then, and is null while it had no price', async () => {
  const at = (ms: number) =>
    ledger.clickhouse.query<{ event_id: string; cost: string | null }>(
      `SELECT toString(event_id) AS event_id, toString(cost_usd) AS cost FROM events_as_of(${asOf(ms)}) ORDER BY event_id`,
    );
  for (const [ms, book] of [
    [FIRST_POSTED_MS - 1, BEFORE],
    [FIRST_POSTED_MS, AFTER],
    [SECOND_POSTED_MS, BEFORE],
  ] as const) {
    const expected = world.events().map((event) => {
      const costs = rateEvent(event, book).ratings.flatMap(({ cost }) => cost ?? []);
      return { event_id: event.eventId, cost: costs.length === 0 ? null : trimmed(formatUsd(costs.reduce((sum, cost) => sum + cost, 0n))) };
    });
    expect(await at(ms)).toEqual(expected.toSorted((left, right) => (left.event_id < right.event_id ? -1 : 1)));
  }
});

test('a statement names who posted it and why, and its corrections whether their period was closed', async () => {
  const [first] = await ledger.clickhouse.query(
    'SELECT posted_by, note, reopen_reason, details, lines, tupleElement(reopened_periods[1], 1) AS period FROM statements ORDER BY posted_at LIMIT 1',
  );
  expect(first).toMatchObject({
    posted_by: 'ann',
    note: 'autumn prices',
    reopen_reason: 'the provider corrected its bill',
    details: { price_version: AFTER.version },
    period: '2026-10-01',
  });
  const marked = await ledger.value(
    `SELECT countIf(in_closed_period != (tenant_id = 'acme' AND occurred_at < '2026-10-01 01:00:00' AND posted_by = 'ann' AND reopen_reason != '')) FROM corrections`,
  );
  expect(marked).toBe('0');
  expect(await ledger.value('SELECT countIf(in_closed_period) > 0 FROM corrections')).toBe('1');
  const [audit] = await ledger.clickhouse.query(
    `SELECT action, changed_by, note FROM audit_log WHERE kind = 'statement' ORDER BY changed_at LIMIT 1`,
  );
  expect(audit).toEqual({ action: 'post', changed_by: 'ann', note: 'the provider corrected its bill' });
});

function trimmed(usd: string): string {
  return usd.includes('.') ? usd.replace(/\.?0+$/, '') : usd;
}
