/** What a journal on disk is opened with, and what it reports of its disk. */
import type { Pacing } from '@tokenledger/event-log';
import type { JournalDisk } from './disk.ts';
import type { BehindSource, Numbered } from './earlier-source.ts';
import type { RecoveredEvent } from './recovered-event.ts';
import type { UnclosedEntry } from './recovery.ts';

export interface DiskJournalOptions {
  readonly disk: JournalDisk;
  /** `disk`: a record is synced once the disk has it. `process`: once the operating system has it. */
  readonly durability: 'disk' | 'process';
  readonly entriesMax: number;
  readonly bytesMax: number;
  /** Bytes of records that may wait for the disk. */
  readonly bufferedBytesMax: number;
  /** Bytes of events that are kept in memory for the log; what is beyond is read from disk when its turn comes. */
  readonly memoryBytesMax: number;
  readonly segmentBytesMax: number;
  /** Between the beginnings of two syncs, at least. Default: 0. */
  readonly syncIntervalMsMax?: number;
  /** By partition: the highest number that the ledger knows of an earlier source. A source of which fewer are here is a restored or copied one: other
   *  events have the numbers that follow, so it is set aside. Default: the ledger knows nothing. */
  readonly assigned?: (source: string) => ReadonlyMap<number, number>;
  /** Whether a source is numbered elsewhere: there are no copies of it, and a number that is lost is not this journal's to close. Default: none is. */
  readonly isForeign?: (source: string) => boolean;
  /** The event of a request that was opened and never closed. */
  readonly unresolved: (entry: UnclosedEntry, numbered: Numbered) => RecoveredEvent;
  /** The event for a number whose bytes were damaged: reason `journal_lost`. */
  readonly lost: (numbered: Numbered) => RecoveredEvent;
  readonly onAlarm: (alarm: JournalAlarm) => void;
  /** Identity of this opening: letters, digits, `-`, `.` and slashes, never used before. */
  readonly source: string;
  readonly pacing?: Pacing;
}

export type JournalAlarm =
  | { readonly kind: 'write_failed'; readonly error: unknown }
  | { readonly kind: 'read_failed'; readonly error: unknown }
  | { readonly kind: 'damaged'; readonly source: string; readonly batches: readonly number[]; readonly numbers: number }
  | ({ readonly kind: 'set_aside'; readonly to: string } & BehindSource);
