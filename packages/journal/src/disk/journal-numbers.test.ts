import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JournalEntry } from '../journal.ts';
import { type DiskJournal, openDiskJournal } from './disk-journal.ts';
import type { DiskJournalOptions, JournalAlarm } from './journal-options.ts';
import { type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';

const FIRST = 'first';
const MIB = 1024 * 1024;

async function opened(disk: SimulatedDisk, source: string, assigned?: DiskJournalOptions['assigned'], entriesMax = 100) {
  const alarms: JournalAlarm[] = [];
  const journal = await openDiskJournal({
    disk,
    source,
    durability: 'disk',
    entriesMax,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: MIB,
    unresolved: (entry, { sequence }) => ({ key: '', value: Buffer.from(`unresolved ${sequence} ${Buffer.from(entry.facts).toString()}`) }),
    lost: ({ sequence }) => ({ key: '', value: Buffer.from(`lost ${sequence}`) }),
    onAlarm: (alarm) => alarms.push(alarm),
    ...(assigned === undefined ? {} : { assigned }),
  });
  return { journal, alarms };
}

function open(journal: DiskJournal, text: string, partition: number) {
  const entry = journal.open({ partition, facts: () => Buffer.from(text) });
  if (entry === null) throw new Error('the journal is full');
  return entry;
}

function record(journal: DiskJournal, text: string, partition = 0): Promise<void> {
  const position = journal.close(open(journal, text, partition), 'key', (sequence) => Buffer.from(`${text} ${sequence}`));
  return new Promise((resolve) => journal.onSynced(position, resolve));
}

describe('a copy of a journal that is behind what the ledger knows', () => {
  /** Three events and an open request were here; then the journal was put back to what it was after two. */
  async function restored(): Promise<SimulatedDisk> {
    const disk = simulatedDisk();
    const { journal } = await opened(disk, FIRST);
    await record(journal, 'a');
    await record(journal, 'b');
    open(journal, 'unclosed', 0);
    await record(journal, 'elsewhere', 1);
    return disk.kill();
  }
  const known = (partition: number, highest: number) => (source: string) => new Map(source === FIRST ? [[partition, highest]] : []);

  test('is set aside before any of its requests gets a number that another event has', async () => {
    const disk = await restored();
    const before = disk.names;
    const { journal, alarms } = await opened(disk, 'second', known(0, 3));
    expect(alarms).toEqual([{ kind: 'set_aside', source: FIRST, partition: 0, last: 2, assigned: 3, to: expect.any(String) }]);
    expect(journal.lanes()).toEqual([]);
    expect(journal.recovered).toEqual({ sources: 0, unresolved: 0, lost: 0 });
    expect(disk.asideNames).toEqual(before);
    expect(disk.names).toEqual([]);
  });

  test('is set aside for a partition that it knows nothing of', async () => {
    const { alarms } = await opened(await restored(), 'second', known(7, 1));
    expect(alarms).toMatchObject([{ kind: 'set_aside', partition: 7, last: 0, assigned: 1 }]);
  });

  test.each([
    ['no number', new Map<number, number>()],
    [
      'as many numbers as are here',
      new Map([
        [0, 2],
        [1, 1],
      ]),
    ],
    ['fewer', new Map([[0, 1]])],
  ])('is recovered where the ledger knows %s', async (_what, assigned) => {
    const { journal, alarms } = await opened(await restored(), 'second', () => assigned);
    expect(alarms).toEqual([]);
    const entries = await journal.read(FIRST, 0, 1, 9);
    expect(entries.map(({ value }) => Buffer.from(value).toString())).toEqual(['a 1', 'b 2', 'unresolved 3 unclosed']);
  });
});

test('a number counts as synced once the disk has its record, and not before', async () => {
  const disk = simulatedDisk();
  const { journal } = await opened(disk, FIRST);
  await record(journal, 'a');
  const { promise: disks, resolve: free } = Promise.withResolvers<void>();
  disk.before = (operation) => (operation === 'sync' ? disks : Promise.resolve());
  const position = journal.close(open(journal, 'b', 0), 'key', () => Buffer.from('b'));
  expect(journal.lanes()).toMatchObject([{ last: 2, synced: 1 }]);
  free();
  await new Promise<void>((resolve) => {
    journal.onSynced(position, resolve);
  });
  expect(journal.lanes()).toMatchObject([{ last: 2, synced: 2 }]);
  expect(journal.fill().open).toBe(0);
});

test('numbers are contiguous in each partition, whatever is closed in which order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), fc.boolean()), { maxLength: 40 }), async (steps) => {
      const { journal } = await opened(simulatedDisk(), FIRST);
      const closing = (entry: JournalEntry): number => journal.close(entry, 'key', (sequence) => Buffer.from(`x ${sequence}`));
      const waiting: JournalEntry[] = [];
      let last = 0;
      for (const [partition, atOnce] of steps) {
        const entry = open(journal, 'x', partition);
        if (atOnce) last = closing(entry);
        else waiting.push(entry);
      }
      for (const entry of waiting.toReversed()) last = closing(entry);
      await new Promise<void>((resolve) => {
        journal.onSynced(last, resolve);
      });
      for (const { source, partition, last: highest } of journal.lanes()) {
        const entries = journal.pending(source, partition, highest + 1);
        expect(entries.map(({ value }) => Buffer.from(value).toString())).toEqual(
          Array.from({ length: highest }, (_, index) => `x ${index + 1}`),
        );
      }
    }),
    { numRuns: 40 },
  );
});

test('it is full at its limit of entries, and takes more once some are acknowledged', async () => {
  const { journal } = await opened(simulatedDisk(), FIRST, undefined, 2);
  await record(journal, 'a');
  open(journal, 'b', 0);
  expect(journal.open({ partition: 0, facts: () => Buffer.alloc(0) })).toBeNull();
  journal.acknowledged(FIRST, 0, 1);
  expect(journal.open({ partition: 0, facts: () => Buffer.alloc(0) })).not.toBeNull();
});
