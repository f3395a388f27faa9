// From the journal to ClickHouse and back: what got lost on the way is sent again, what has landed is not.
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { openPath, type Sent } from './path.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
}, 60_000);
afterAll(() => ledger[Symbol.asyncDispose]());

const TIMEOUT = 60_000;
const segments = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.journal'));
const completeness = () =>
  ledger.clickhouse.query<Record<string, unknown>>('SELECT source, log_partition, rows, missing, repeats FROM completeness ORDER BY rows');
/** The first time that this number is sent. */
const onceLost = (number: number) => {
  let times = 0;
  return ({ sequence }: Sent): boolean => sequence === number && (times += 1) === 1;
};

test(
  'an event that the log loses before the pricer reads it is sent again, once, and nothing is missing in the end',
  { timeout: TIMEOUT },
  async () => {
    await using path = await openPath(ledger);
    path.swallows = onceLost(2);
    await path.startConsumers();
    const delivery = await path.open();
    for (let number = 1; number <= 3; number++) await path.record(delivery);
    // Numbers that are given and land after it was missed show that it is lost.
    await waitFor(
      async () => {
        const last = await path.record(delivery);
        await path.landed(delivery, 1);
        return path.sent.filter(({ sequence }) => sequence === 2).length > 1 && last;
      },
      { timeoutMs: 30_000, intervalMs: 100, describe: () => `number 2 to be sent again; ${path.warnings.join('')}` },
    );
    const last = await path.record(delivery);
    await path.landed(delivery, last);
    expect(path.sent.filter(({ sequence }) => sequence === 2)).toHaveLength(2);
    expect(path.sent).toHaveLength(last + 1);
    await waitFor(async () => (await ledger.value('SELECT announced_sequence FROM completeness')) === String(last), {
      timeoutMs: 10_000,
      describe: 'the announcement in ClickHouse',
    });
    expect(await completeness()).toEqual([
      { source: delivery.journal.source, log_partition: 0, rows: String(last), missing: '0', repeats: '0' },
    ]);
  },
);

test('the last event of a partition that gets no more is sent again after a while', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  path.swallows = onceLost(3);
  await path.startConsumers();
  const delivery = await path.open({ quietMs: 300 });
  for (let number = 1; number <= 3; number++) await path.record(delivery);
  await path.landed(delivery, 3);
  expect(await completeness()).toMatchObject([{ rows: '3', repeats: '0' }]);
});

test('nothing is sent again while the pipeline only is slow', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  const delivery = await path.open();
  for (let number = 1; number <= 50; number++) await path.record(delivery);
  await waitFor(() => path.sent.length === 50, { timeoutMs: 10_000, describe: 'all to be sent' });
  // Many looks later, still without anybody who reads.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await path.startConsumers();
  await path.landed(delivery, 50);
  expect(path.sent).toHaveLength(50);
});

test('a start does not send again what has landed, and lets go of it', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  const first = await path.open();
  for (let number = 1; number <= 5; number++) await path.record(first);
  await first.publisher.drain(5_000);
  await first.close(5_000);
  // Acknowledged by the log is not landed: the journal still has it.
  expect(await segments(path.directory)).toHaveLength(1);
  await path.startConsumers();
  const ofFirst = async (): Promise<boolean> => (await ledger.value('SELECT count() FROM usage_events')) === '5';
  await waitFor(ofFirst, { timeoutMs: 20_000, describe: 'five rows' });

  // What has landed is known once the writer has said so: until then it is sent again, which is dropped.
  await waitFor(
    async () => {
      const reader = await path.log.reader({ topic: path.topics.landed, partition: 0, from: 'start' });
      const records = await reader.poll({ recordsMax: 100, bytesMax: 1_000_000, waitMs: 10 });
      await reader.close();
      return records.some(({ value }) => /"through":5/.test(Buffer.from(value ?? '').toString()));
    },
    { timeoutMs: 10_000, describe: 'what has landed to be said' },
  );
  const second = await path.open();
  const number = await path.record(second);
  await path.landed(second, number);
  expect(path.sent.map(({ source }) => source)).toEqual([...Array<string>(5).fill(first.journal.source), second.journal.source]);
  expect(second.journal.lanes().map(({ source }) => source)).toEqual([second.journal.source]);
  await waitFor(async () => (await segments(path.directory)).length === 1, { timeoutMs: 5_000, describe: 'the earlier segment to go' });
  await waitFor(async () => (await ledger.value(`SELECT countIf(closed) FROM completeness`)) === '1', {
    timeoutMs: 10_000,
    describe: 'the earlier source to be closed',
  });
});

test('a start sends again what did not arrive, below what did', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  path.swallows = onceLost(2);
  const first = await path.open();
  for (let number = 1; number <= 4; number++) await path.record(first);
  await first.publisher.drain(5_000);
  await first.close(5_000);
  await path.startConsumers();
  await waitFor(async () => (await ledger.value('SELECT count() FROM usage_events')) === '3', {
    timeoutMs: 20_000,
    describe: 'three rows',
  });
  await waitFor(async () => (await path.log.ranges(path.topics.landed))[0]!.end > 0, { timeoutMs: 10_000, describe: 'what has landed' });
  await path.open();
  await waitFor(async () => (await ledger.value('SELECT count() FROM usage_events')) === '4', {
    timeoutMs: 20_000,
    describe: 'the fourth row',
  });
  expect(path.sent.filter(({ sequence }) => sequence === 2)).toHaveLength(2);
  expect(await completeness()).toMatchObject([{ rows: '4', missing: '0', repeats: '0' }]);
});

test('an older copy of a journal that was put back is set aside: none of its numbers is given twice', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  await path.startConsumers();
  const first = await path.open();
  await path.record(first);
  await path.record(first);
  first.journal.open({ partition: 0, facts: () => Buffer.from('a request that was open when the copy was made') });
  await path.record(first);
  const copy = `${path.directory}-copy`;
  await cp(path.directory, copy, { recursive: true });
  for (let number = 4; number <= 6; number++) await path.record(first);
  await path.landed(first, 6);
  await first.close(5_000);
  const before = path.sent.length;

  const second = await path.open({ directory: copy });
  const number = await path.record(second);
  await path.landed(second, number);
  expect(path.sent.slice(before)).toEqual([{ source: second.journal.source, partition: 0, sequence: 1 }]);
  expect(await segments(join(copy, 'aside'))).toHaveLength(1);
  expect(path.warnings.join('')).toMatch(/restored or copied/);
  const rows = await ledger.value(`SELECT count() FROM usage_events WHERE source = '${first.journal.source}'`);
  expect(rows).toBe('6');
});

test('a number that ClickHouse lost and the journal has no more is sent once, as lost', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  await path.startConsumers();
  const first = await path.open();
  for (let number = 1; number <= 3; number++) await path.record(first);
  await path.landed(first, 3);
  await ledger.clickhouse.command('ALTER TABLE usage_events DELETE WHERE sequence = 2', { settings: { mutations_sync: '1' } });
  // The journal of a process that runs keeps its newest segment: so that number 2 is gone, it is not read.
  const read = first.journal.read.bind(first.journal);
  first.journal.read = async (source, partition, from, to) =>
    (await read(source, partition, from, to)).filter(({ sequence }) => sequence !== 2);
  await waitFor(
    async () => {
      await path.record(first);
      return (await ledger.value(`SELECT count() FROM usage_events WHERE error_class = 'journal_lost'`)) === '1';
    },
    { timeoutMs: 30_000, intervalMs: 200, describe: () => `the lost number; ${path.warnings.join('')}` },
  );
  expect(
    await ledger.clickhouse.query(`SELECT sequence, outcome, usage_reason FROM usage_events WHERE error_class = 'journal_lost'`),
  ).toEqual([{ sequence: '2', outcome: 'unresolved', usage_reason: 'not_forwarded' }]);
  expect(path.sent.filter(({ sequence }) => sequence === 2)).toHaveLength(2);
});

test('two ingresses cannot have one journal', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  await path.open();
  await expect(path.open()).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
});
