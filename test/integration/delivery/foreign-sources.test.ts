// What a provider identifies, from journals to ClickHouse and back: its source is everybody's, its rows are there once.
import { readdir } from 'node:fs/promises';
import type { Delivery } from '@tokenledger/ingress';
import { encodeUsageEvent } from '@tokenledger/schemas';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';
import { pricedEvent } from '../writer/priced-events.ts';
import { type EventPath, openPath, type Sent } from './path.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
}, 60_000);
afterAll(() => ledger[Symbol.asyncDispose]());

const TIMEOUT = 60_000;
const SOURCE = 'openai/openai-main/file-1';
const PARTITION = 1;

/** Adds what the journal does not hold yet, and waits until all of it is safe. */
async function post(delivery: Delivery, lines: number): Promise<void> {
  delivery.follow(SOURCE, PARTITION);
  const source = delivery.journal.foreign(SOURCE, PARTITION);
  if (source === null) throw new Error('the journal is closing');
  for (let sequence = source.last + 1; sequence <= lines; sequence++) {
    const { event } = pricedEvent(sequence);
    if (!source.add(sequence, 'key', encodeUsageEvent({ ...event, kind: 'import', source: SOURCE, sequence })))
      throw new Error('the journal is full');
  }
  await new Promise<void>((resolve) => source.onSynced(lines, resolve));
  source.release();
}

const hasLetGo = async (directory: string): Promise<boolean> => (await readdir(directory)).every((name) => !name.startsWith('openai~'));
const completeness = () =>
  ledger.clickhouse.query('SELECT rows, missing, repeats FROM completeness WHERE source = {source:String}', { params: { source: SOURCE } });

/** What `landed` says of the source, newest last; null where it was removed. */
async function said(path: EventPath): Promise<readonly (string | null)[]> {
  const reader = await path.log.reader({ topic: path.topics.landed, partition: PARTITION, from: 'start' });
  const records = await reader.poll({ recordsMax: 1_000, bytesMax: 1_000_000, waitMs: 10 });
  await reader.close();
  return records.flatMap(({ key, value }) =>
    key === `${SOURCE}/${PARTITION}` ? [value === null ? null : Buffer.from(value).toString()] : [],
  );
}

test(
  'two ingresses that post the same lines leave each line once, let go of them, and nothing is said of them any more',
  { timeout: TIMEOUT },
  async () => {
    await using path = await openPath(ledger);
    await path.startConsumers();
    const directories = [path.directory, `${path.directory}-2`];
    const both = await Promise.all(directories.map((directory) => path.open({ directory })));
    await Promise.all(both.map((delivery, index) => post(delivery, 20 + 10 * index)));
    await waitFor(async () => (await Promise.all(directories.map(hasLetGo))).every(Boolean), {
      timeoutMs: 20_000,
      describe: () => `both journals to let go; ${path.warnings.join('')}`,
    });
    expect(await completeness()).toEqual([{ rows: '30', missing: '0', repeats: '0' }]);
    await waitFor(async () => (await said(path)).at(-1) === null, {
      timeoutMs: 10_000,
      describe: 'what was said of the source to be removed',
    });
    // Read again after that, it is told again, and counts as little.
    const [first] = both;
    await post(first as Delivery, 30);
    await waitFor(() => hasLetGo(path.directory), { timeoutMs: 20_000, describe: 'the journal to let go once more' });
    expect(await completeness()).toEqual([{ rows: '30', missing: '0', repeats: '0' }]);
  },
);

test('a line that the log loses is sent again, by the next start if need be', { timeout: TIMEOUT }, async () => {
  await using path = await openPath(ledger);
  let lost = 0;
  path.swallows = ({ source, sequence }: Sent): boolean => source === SOURCE && sequence === 2 && (lost += 1) === 1;
  const first = await path.open();
  await post(first, 4);
  await first.publisher.drain(5_000);
  await first.close(5_000);
  expect(await hasLetGo(path.directory)).toBe(false);
  await path.startConsumers();
  await waitFor(async () => (await said(path)).some((text) => text?.includes('"missing":[[2,2]]')), {
    timeoutMs: 20_000,
    describe: 'the missing line to be told',
  });
  await path.open();
  await waitFor(() => hasLetGo(path.directory), { timeoutMs: 20_000, describe: () => `the journal to let go; ${path.warnings.join('')}` });
  expect(await completeness()).toEqual([{ rows: '4', missing: '0', repeats: '0' }]);
  expect(path.warnings.filter((line) => line.includes('journal_lost'))).toEqual([]);
});
