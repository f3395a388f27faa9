// What an ingress that is gone has left: published by a drain, or added from a copy by an import.
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { UsageEvent } from '@tokenledger/domain';
import { drainJournal, importJournal, ingressConfig } from '@tokenledger/ingress';
import { closedEntries, inspectJournal, isJournalLocked, nodeDisk } from '@tokenledger/journal';
import { silentLogger } from '@tokenledger/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { type EventPath, openPath } from './path.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
}, 60_000);
afterAll(() => ledger[Symbol.asyncDispose]());

const TIMEOUT = 60_000;
const rows = async (): Promise<number> => Number(await ledger.value('SELECT count() FROM usage_events'));
const waitForRows = (count: number) =>
  waitFor(async () => (await rows()) === count, { timeoutMs: 20_000, intervalMs: 50, describe: `${count} rows` });
const segments = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.journal'));

/** Three events of which the log knows one, and a request without an end; then the process is gone. */
async function killedIngress(path: EventPath): Promise<{ readonly directory: string; readonly source: string }> {
  const delivery = await path.open();
  await path.record(delivery);
  await waitFor(() => path.sent.length === 1, { timeoutMs: 5_000, describe: 'the first event to be sent' });
  path.swallows = () => true;
  await path.record(delivery);
  await path.record(delivery, 1);
  await path.openRequest(delivery);
  const directory = `${path.directory}-of-a-dead-one`;
  await cp(path.directory, directory, { recursive: true });
  await delivery.close(5_000);
  path.swallows = () => false;
  return { directory, source: delivery.journal.source };
}

test('a journal can be looked at beside its owner: nothing is changed', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  const delivery = await path.open();
  await path.record(delivery);
  await path.record(delivery);
  await path.openRequest(delivery);
  const before = await segments(path.directory);
  expect(isJournalLocked(path.directory)).toBe(true);
  const { source } = delivery.journal;
  expect(await inspectJournal(nodeDisk(path.directory))).toMatchObject([
    { source, segments: 1, held: new Map([[0, { from: 1, to: 2 }]]), unclosed: [{ partition: 0 }], lost: 0, damagedBatches: 0 },
  ]);
  expect((await Array.fromAsync(closedEntries(nodeDisk(path.directory), source))).map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(await segments(path.directory)).toEqual(before);
  await delivery.close(5_000);
  expect(isJournalLocked(path.directory)).toBe(false);
  expect(isJournalLocked(join(path.directory, 'nowhere'))).toBe(false);
});

test(
  'a drain publishes what is left, an unresolved event for what had no end, and empties the journal once it has landed',
  { timeout: TIMEOUT },
  async () => {
    await using path = await openPath(ledger);
    const { directory, source } = await killedIngress(path);
    await path.startConsumers();
    await waitForRows(1);
    const drain = (landMs: number) =>
      drainJournal({
        config: ingressConfig.parse({ republish_interval_ms: 20, publish_linger_ms: 1 }),
        log: path.log,
        topics: path.topics,
        directory,
        logger: silentLogger(),
        publishMs: 5_000,
        landMs,
      });
    expect(await drain(20_000)).toEqual({ found: expect.any(Number), unpublished: 0, unlanded: 0 });
    expect(await segments(directory)).toEqual([]);
    expect(
      await ledger.clickhouse.query('SELECT log_partition, sequence, outcome FROM usage_events ORDER BY log_partition, sequence'),
    ).toMatchObject([
      { log_partition: 0, sequence: '1' },
      { log_partition: 0, sequence: '2' },
      { log_partition: 0, sequence: '3', outcome: 'unresolved' },
      { log_partition: 1, sequence: '1' },
    ]);
    await waitFor(
      async () => (await ledger.value(`SELECT countIf(closed AND missing = 0) FROM completeness WHERE source = '${source}'`)) === '2',
      {
        timeoutMs: 10_000,
        describe: 'the source to be closed and complete',
      },
    );
    expect(await drain(0)).toEqual({ found: 0, unpublished: 0, unlanded: 0 });
  },
);

test('a drain of a journal that is in use is refused', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  await path.open();
  const config = ingressConfig.parse({});
  const common = { config, log: path.log, topics: path.topics, directory: path.directory, logger: silentLogger(), publishMs: 1_000 };
  await expect(drainJournal({ ...common, landMs: 0 })).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
  const nothing = { settled: () => Promise.resolve(), known: () => Promise.resolve(new Set<string>()), now: Date.now };
  await expect(importJournal({ ...common, ...nothing })).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
});

test('an import adds what ClickHouse lacks, under a new source, and nothing twice', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  const { directory, source } = await killedIngress(path);
  await path.startConsumers();
  await waitForRows(1);
  const before = await segments(directory);
  const asked: string[] = [];
  const known = async (events: readonly UsageEvent[]): Promise<ReadonlySet<string>> => {
    asked.push(...events.map(({ eventId }) => eventId));
    const found = await ledger.clickhouse.query<{ readonly id: string }>(
      'SELECT toString(event_id) AS id FROM usage_events WHERE event_id IN ({ids:Array(UUID)})',
      { params: { ids: events.map(({ eventId }) => eventId) } },
    );
    return new Set(found.map(({ id }) => id));
  };
  let rowsWhenSettled = 1;
  const run = () =>
    importJournal({
      config: ingressConfig.parse({ publish_linger_ms: 1 }),
      log: path.log,
      topics: path.topics,
      directory,
      logger: silentLogger(),
      settled: async () => void (await waitForRows(rowsWhenSettled)),
      known,
      publishMs: 5_000,
      now: Date.now,
    });
  expect(await run()).toEqual({ found: 4, imported: 3, unreadable: 0 });
  await waitForRows(4);
  rowsWhenSettled = 4;
  expect(await run()).toEqual({ found: 4, imported: 0, unreadable: 0 });
  expect(await rows()).toBe(4);
  // The copy is as it was, and its own source got no more numbers.
  expect(await segments(directory)).toEqual(before);
  expect(await ledger.value(`SELECT count() FROM usage_events WHERE source = '${source}'`)).toBe('1');
  expect(await ledger.value(`SELECT uniqExact(event_id) FROM usage_events`)).toBe('4');
  expect(await ledger.value(`SELECT countIf(outcome = 'unresolved') FROM usage_events`)).toBe('1');
});
