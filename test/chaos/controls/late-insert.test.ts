import { openClickHouse } from '@tokenledger/clickhouse';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { batchOf, type Ledger, openLedger, openStore, owner } from '../../integration/writer/ledger.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startInsertProxy } from '../insert-proxy.ts';
import { judged, kinds, numberedEvents } from './numbered-events.ts';

const EVENTS = numberedEvents(40);
const HELD_MS_MAX = 10_000;

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
beforeEach(() => ledger.empty());
afterAll(() => ledger[Symbol.asyncDispose]());

/** The insert of an owner is held on its way; a new owner inserts the same batch; then the held one arrives. */
async function insertArrivesLate(): Promise<void> {
  const { hostname, port } = new URL(ledger.clickhouse.url);
  await using proxy = await startInsertProxy({ host: hostname, port: Number(port) }, 'usage_events');
  const slow = openClickHouse({ url: proxy.url });
  try {
    const old = openStore(slow).store;
    await old.takeOver(owner(1));
    proxy.decide('hold');
    const late = old.write(owner(1), batchOf(EVENTS)).then(
      () => 'written',
      () => 'refused',
    );
    await waitFor(() => proxy.held() > 0, { timeoutMs: HELD_MS_MAX, describe: 'the insert on its way' });
    const fresh = openStore(ledger.clickhouse).store;
    await fresh.takeOver(owner(2));
    await fresh.write(owner(2), batchOf(EVENTS));
    proxy.decide('pass');
    await late;
  } finally {
    await slow.close();
  }
}

test('an insert that arrives after its replacement leaves no trace', async () => {
  await insertArrivesLate();
  expect(await judged(ledger.clickhouse, EVENTS)).toEqual([]);
});

test('with the fence off it is counted twice, and that is found', async () => {
  await ledger.clickhouse.command('ALTER TABLE usage_events DROP CONSTRAINT fence');
  await insertArrivesLate();
  expect(kinds(await judged(ledger.clickhouse, EVENTS))).toEqual([
    'an event is there twice',
    'numbers are repeated',
    'the attempt is in the ledger twice',
    'the view completeness shows a difference',
  ]);
});
