import { CLASS_NAMES } from '@tokenledger/provider-simulator';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchOf, type Ledger, openLedger, openStore, owner } from '../../integration/writer/ledger.ts';
import { waitFor } from '../../support/wait-for.ts';
import { judged, kinds, numberedEvents } from './numbered-events.ts';

const EVENTS = numberedEvents(80);
const KILL_MS_MAX = 20_000;
const RESTART_MS_MAX = 30_000;
/** The longest that the engine sleeps for a block is 3 s. */
const SLEEP_S_PER_ROW = 0.03;
const COLUMNS = CLASS_NAMES.map((name) => (name === 'web_search_requests' ? name : `${name}_tokens`));

let ledger: Ledger;
beforeEach(async () => {
  ledger = await openLedger();
});
afterEach(() => ledger[Symbol.asyncDispose]());

/** What many pipelines do: sums that each insert adds to. It is slow, so that a kill meets it for sure. */
async function addIncrementalView(): Promise<void> {
  const sums = ['cost_usd', ...COLUMNS];
  const types = sums.map((name) => `${name} Nullable(${name === 'cost_usd' ? 'Decimal(38, 12)' : 'Int64'})`);
  await ledger.clickhouse.command(
    `CREATE TABLE usage_added_up (hour DateTime, events UInt64, slept UInt64, ${types.join(', ')}) ENGINE = SummingMergeTree ORDER BY hour`,
  );
  await ledger.clickhouse.command(`
    CREATE MATERIALIZED VIEW usage_adding_up TO usage_added_up AS
    SELECT u.hour AS hour, countIf(u.kind = 'usage') AS events, sum(sleepEachRow(${SLEEP_S_PER_ROW})) AS slept,
      ${sums.map((name) => `sum(u.${name}) AS ${name}`).join(', ')}
    FROM usage_events AS u GROUP BY hour`);
}

/** ClickHouse dies once the rows are in the table; then whoever was in doubt writes the batch again. */
async function killBehindTheRows(): Promise<void> {
  const { store } = openStore(ledger.clickhouse);
  await store.takeOver(owner(1));
  const doubtful = store.write(owner(1), batchOf(EVENTS)).then(
    () => 'written',
    () => 'in doubt',
  );
  const before = ledger.server.state();
  if (before.kind !== 'ready') throw new Error(`the server is ${before.kind}`);
  await waitFor(async () => Number(await ledger.value('SELECT count() FROM usage_events')) > 0, {
    timeoutMs: KILL_MS_MAX,
    describe: 'rows in the table',
  });
  process.kill(before.pid, 'SIGKILL');
  await doubtful;
  await waitFor(
    () => {
      const now = ledger.server.state();
      return now.kind === 'ready' && now.pid !== before.pid;
    },
    { timeoutMs: RESTART_MS_MAX, describe: 'the server to start again' },
  );
  await store.takeOver(owner(2));
  await store.write(owner(2), batchOf(EVENTS));
}

test('a kill of ClickHouse behind the rows leaves rollups that agree with them', async () => {
  await killBehindTheRows();
  expect(await judged(ledger.clickhouse, EVENTS)).toEqual([]);
});

test('with rollups from an incremental materialised view they fall behind, and that is found', async () => {
  await addIncrementalView();
  await killBehindTheRows();
  const differences = await judged(ledger.clickhouse, EVENTS, ['usage_added_up']);
  expect(kinds(differences)).toContain('events differs from the sum of the rows');
  expect(differences.every(({ of }) => of === 'usage_added_up')).toBe(true);
});
