import { expect, test } from 'vitest';
import type { ForeignSource } from '../journal.ts';
import { type DiskJournal, openDiskJournal } from './disk-journal.ts';
import type { DiskJournalOptions, JournalAlarm } from './journal-options.ts';
import { type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';

const BATCH = 'openai/main/file-1';
const MIB = 1024 * 1024;

async function opened(disk: SimulatedDisk, source = 'own', change: Partial<DiskJournalOptions> = {}) {
  const alarms: JournalAlarm[] = [];
  const journal = await openDiskJournal({
    disk,
    source,
    durability: 'disk',
    entriesMax: 100,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: MIB,
    isForeign: (name) => name.startsWith('openai/'),
    unresolved: () => ({ key: '', value: Buffer.from('unresolved') }),
    lost: ({ sequence }) => ({ key: '', value: Buffer.from(`lost ${sequence}`) }),
    onAlarm: (alarm) => alarms.push(alarm),
    ...change,
  });
  return { journal, alarms };
}

function foreign(journal: DiskJournal, partition = 3): ForeignSource {
  const source = journal.foreign(BATCH, partition);
  if (source === null) throw new Error('the journal is closing');
  return source;
}

const safe = (source: ForeignSource, sequence: number): Promise<void> => new Promise((resolve) => source.onSynced(sequence, resolve));

function add(source: ForeignSource, from: number, to: number): Promise<void> {
  for (let sequence = from; sequence <= to; sequence++) {
    if (!source.add(sequence, 'key', Buffer.from(`line ${sequence}`))) throw new Error(`${sequence} was not taken`);
  }
  return safe(source, to);
}

const waiting = (journal: DiskJournal): string[] => journal.pending(BATCH, 3, 100).map(({ value }) => Buffer.from(value).toString());
const lane = (journal: DiskJournal) => journal.lanes().find(({ source }) => source === BATCH);

test('entries of a foreign source wait for the log under their own numbers once they are safe, beside the journal’s own', async () => {
  const { journal } = await opened(simulatedDisk());
  const heard: string[] = [];
  journal.onClosed((source, partition) => heard.push(`${source} ${partition}`));
  const source = foreign(journal);
  expect(source.add(1, 'key', Buffer.from('line 1'))).toBe(true);
  expect(waiting(journal)).toEqual([]);
  await safe(source, 1);
  expect(waiting(journal)).toEqual(['line 1']);
  expect(heard).toContain(`${BATCH} 3`);
  expect(lane(journal)).toEqual({ source: BATCH, partition: 3, acknowledged: 0, landed: 0, last: 1, synced: 1 });
  expect(journal.fill().entries).toBe(1);
});

test('whoever reads it again adds only what is not here yet, and waits for what others have added', async () => {
  const { journal } = await opened(simulatedDisk());
  const [one, other] = [foreign(journal), foreign(journal)];
  expect(one.add(1, 'key', Buffer.from('line 1'))).toBe(true);
  expect(other.last).toBe(1);
  await safe(other, 1);
  one.release();
  await add(other, 2, 2);
  other.release();
  expect(waiting(journal)).toEqual(['line 1', 'line 2']);
});

test('what was left is published by the next opening, and added to there', async () => {
  const first = simulatedDisk();
  const before = await opened(first);
  await add(foreign(before.journal), 1, 3);
  const disk = first.kill();
  const { journal, alarms } = await opened(disk, 'next');
  expect(lane(journal)).toMatchObject({ acknowledged: 0, last: 3 });
  const again = foreign(journal, 5);
  expect([again.partition, again.last]).toEqual([3, 3]);
  await add(again, 4, 4);
  again.release();
  await journal.shutdown();

  const { journal: last } = await opened(disk, 'last');
  expect((await last.read(BATCH, 3, 1, 9)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  expect(alarms).toEqual([]);
});

test('nothing is left of it once all of it has landed, and then it can be read again from the beginning', async () => {
  const disk = simulatedDisk();
  const { journal } = await opened(disk);
  const source = foreign(journal);
  await add(source, 1, 2);
  journal.acknowledged(BATCH, 3, 2);
  journal.landed(BATCH, 3, 2);
  expect(disk.names.filter((name) => name.startsWith('openai~'))).toHaveLength(1);
  source.release();
  await expect.poll(() => disk.names.filter((name) => name.startsWith('openai~'))).toEqual([]);
  expect(lane(journal)).toBeUndefined();

  const again = foreign(journal);
  expect(again.last).toBe(0);
  await add(again, 1, 1);
  expect(waiting(journal)).toEqual(['line 1']);
});

test('a full journal takes nothing of it, and counts what it holds of it', async () => {
  const { journal } = await opened(simulatedDisk(), 'own', { entriesMax: 2 });
  const source = foreign(journal);
  await add(source, 1, 2);
  expect(source.add(3, 'key', Buffer.from('line 3'))).toBe(false);
  expect(source.last).toBe(2);
  expect(journal.open({ partition: 0, facts: () => Buffer.from('') })).toBeNull();
});

test('behind damage nothing is called lost: it is added again', async () => {
  const disk = simulatedDisk();
  const before = await opened(disk, 'own', { segmentBytesMax: 1 });
  const source = foreign(before.journal);
  for (let sequence = 1; sequence <= 3; sequence++) await add(source, sequence, sequence);
  source.release();
  await before.journal.shutdown();
  const second = [...disk.names].filter((name) => name.startsWith('openai~')).toSorted()[1] as string;
  disk.damage(second, (bytes) => bytes.fill(0, bytes.length - 3));

  const { journal, alarms } = await opened(disk, 'next');
  expect(alarms).toMatchObject([{ kind: 'damaged', source: BATCH, numbers: 1 }]);
  const again = foreign(journal);
  expect(again.last).toBe(1);
  await add(again, 2, 3);
  journal.acknowledged(BATCH, 3, 3);
  journal.landed(BATCH, 3, 3);
  again.release();
  await expect.poll(() => disk.names.filter((name) => name.startsWith('openai~'))).toEqual([]);
});

test('entries beyond the bound of memory are read from disk when their turn comes', async () => {
  const { journal } = await opened(simulatedDisk(), 'own', { memoryBytesMax: 8 });
  await add(foreign(journal), 1, 5);
  const seen: string[] = [];
  while (seen.length < 5) {
    const batch = waiting(journal);
    seen.push(...batch);
    if (batch.length > 0) journal.acknowledged(BATCH, 3, seen.length);
    else await new Promise<void>((resolve) => journal.onClosed(() => resolve()));
  }
  expect(seen).toEqual([1, 2, 3, 4, 5].map((number) => `line ${number}`));
});
