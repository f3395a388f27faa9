/** A journal on a disk in memory, for tests that watch or hold it. */
import {
  type DiskJournal,
  type DiskJournalOptions,
  type Journal,
  type JournalPosition,
  openDiskJournal,
  simulatedDisk,
} from '@tokenledger/journal';

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

/** One that is synced only when the test says so. `waiting`: how many wait for that. */
export async function heldJournal(): Promise<{ readonly journal: Journal; readonly waiting: () => number; readonly sync: () => void }> {
  const journal = await testJournal();
  let held: (() => void)[] = [];
  journal.onSynced = (_position: JournalPosition, callback: () => void) => void held.push(callback);
  return {
    journal,
    waiting: () => held.length,
    sync: () => {
      const ready = held;
      held = [];
      for (const callback of ready) callback();
    },
  };
}
