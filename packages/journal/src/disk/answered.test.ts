// What is known of a request that has ended, while something of its event is still to come.
import { expect, test } from 'vitest';
import type { DiskJournal } from './disk-journal.ts';
import { openDiskJournal } from './disk-journal.ts';
import { type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';

const MIB = 1024 * 1024;
const SOURCES = ['a', 'b'].map((letter) => `${letter.repeat(8)}-0000-7000-8000-000000000000`) as [string, string];

function opened(disk: SimulatedDisk, source: string): Promise<DiskJournal> {
  return openDiskJournal({
    disk,
    source,
    durability: 'disk',
    entriesMax: 100,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: MIB,
    unresolved: ({ progress }, { sequence }) => ({
      key: 'recovered',
      value: Buffer.from(`${Buffer.from(progress ?? []).toString()} ${sequence}`),
    }),
    lost: ({ sequence }) => ({ key: 'recovered', value: Buffer.from(`lost ${sequence}`) }),
    onAlarm: ({ kind }) => {
      throw new Error(kind);
    },
  });
}

const synced = (journal: DiskJournal, position: number): Promise<void> => new Promise((resolve) => journal.onSynced(position, resolve));
const pending = (journal: DiskJournal, source: string): string[] =>
  journal.pending(source, 0, 10).map(({ value }) => Buffer.from(value).toString());

test('a request that was answered and not closed is published as it was answered, once', async () => {
  const disk = simulatedDisk();
  const first = await opened(disk, SOURCES[0]);
  const counted = first.open({ partition: 0, facts: () => Buffer.from('asked') });
  const uncounted = first.open({ partition: 0, facts: () => Buffer.from('asked') });
  if (counted === null || uncounted === null) throw new Error('the journal is full');
  first.progress(uncounted, Buffer.from('half'));
  await synced(first, first.answered(counted, Buffer.from('whole')));
  expect(pending(first, SOURCES[0])).toEqual([]);
  await synced(first, first.answered(uncounted, Buffer.from('whole, too')));
  await synced(
    first,
    first.close(counted, 'key', (sequence) => Buffer.from(`whole and counted ${sequence}`)),
  );
  expect(pending(first, SOURCES[0])).toEqual(['whole and counted 1']);

  const left = disk.cutPower(0);
  const second = await opened(left, SOURCES[1]);
  const found: string[] = [];
  while (found.length < 2) {
    const arrived = new Promise<void>((resolve) => second.onClosed(() => resolve()));
    const some = pending(second, SOURCES[0]);
    if (some.length === 0) await arrived;
    found.push(...some);
    second.acknowledged(SOURCES[0], 0, found.length);
  }
  expect(found).toEqual(['whole and counted 1', 'whole, too 2']);
});
