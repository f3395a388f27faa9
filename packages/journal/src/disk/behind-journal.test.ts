import { describe, expect, test } from 'vitest';
import { type DiskJournal, type DiskJournalOptions, type JournalAlarm, openDiskJournal } from './disk-journal.ts';
import { type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';

const FIRST = 'first';
const MIB = 1024 * 1024;

async function opened(disk: SimulatedDisk, source: string, assigned?: DiskJournalOptions['assigned']) {
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
