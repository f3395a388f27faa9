/** A journal on a disk in memory, for tests that watch or hold it. */
import { type DiskJournal, type DiskJournalOptions, openDiskJournal, simulatedDisk } from '@tokenledger/journal';

const MIB = 1024 * 1024;

export function testJournal(change: Partial<DiskJournalOptions> = {}): Promise<DiskJournal> {
  const nothing = (): never => {
    throw new Error('there is nothing to recover');
  };
  return openDiskJournal({
    disk: simulatedDisk(),
    source: 'test',
    durability: 'disk',
    entriesMax: 100,
    bytesMax: MIB,
    bufferedBytesMax: MIB,
    memoryBytesMax: MIB,
    segmentBytesMax: MIB,
    unresolved: nothing,
    lost: nothing,
    onAlarm: nothing,
    ...change,
  });
}
