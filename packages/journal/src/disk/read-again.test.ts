import { expect, test } from 'vitest';
import type { DiskJournal } from './disk-journal.ts';
import { openDiskJournal } from './disk-journal.ts';
import { simulatedDisk, type SimulatedDisk } from './simulated-disk.ts';

const SOURCE = 'aaaaaaaa-0000-7000-8000-000000000000';
const MIB = 1024 * 1024;

/** Holds `count` numbers of partition 0, each in a segment of its own. */
async function holding(disk: SimulatedDisk, count: number): Promise<DiskJournal> {
  const never = (): never => {
    throw new Error('nothing is recovered here, and nothing fails');
  };
  const journal = await openDiskJournal({
    disk,
    source: SOURCE,
    durability: 'disk',
    entriesMax: 100,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: 1,
    unresolved: never,
    lost: never,
    onAlarm: never,
  });
  for (let number = 1; number <= count; number++) {
    const entry = journal.open({ partition: 0, facts: () => Buffer.from('facts') });
    if (entry === null) throw new Error('the journal is full');
    const position = journal.close(entry, 'key', (sequence) => Buffer.from(`event ${sequence}`));
    await new Promise<void>((resolve) => {
      journal.onSynced(position, resolve);
    });
  }
  journal.acknowledged(SOURCE, 0, count);
  return journal;
}

test('what lands while it is read is left out, and nothing behind it is passed over', async () => {
  const disk = simulatedDisk();
  const journal = await holding(disk, 6);
  let reads = 0;
  disk.before = async (operation) => {
    if (operation !== 'read') return;
    reads += 1;
    if (reads === 2) journal.landed(SOURCE, 0, 3);
  };
  const read = await journal.read(SOURCE, 0, 1, 6);
  expect(read.map(({ sequence }) => sequence).filter((sequence) => sequence > 3)).toEqual([4, 5, 6]);
});

test('a segment that is held and cannot be read is an error, not an absence', async () => {
  const disk = simulatedDisk();
  const journal = await holding(disk, 2);
  disk.before = async (operation) => {
    if (operation === 'read') throw new Error('EIO: i/o error');
  };
  await expect(journal.read(SOURCE, 0, 1, 2)).rejects.toThrow('EIO');
});
