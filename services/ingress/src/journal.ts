/** The ingress's journal: where it is kept, and what recovery makes of requests whose end nobody recorded. */
import { mkdirSync } from 'node:fs';
import { AppError, invariant, isRejected, type UsageEvent } from '@tokenledger/domain';
import type { Pacing } from '@tokenledger/event-log';
import {
  type DiskJournal,
  type JournalAlarm,
  type JournalDisk,
  heldSources,
  lockJournal,
  nodeDisk,
  type Numbered,
  openDiskJournal,
  type RecoveredEvent,
  type UnclosedEntry,
} from '@tokenledger/journal';
import { decodeOpenedRequest, decodeUsageEvent, encodeUsageEvent } from '@tokenledger/schemas';
import { newId } from './accepted-request.ts';
import type { IngressConfig } from './config.ts';
import { isResultSource } from './result-identity.ts';
import { lostEvent } from './core/lost-event.ts';
import { unresolvedRequest } from './core/unresolved-event.ts';

export interface IngressJournalOptions {
  readonly directory: string;
  readonly config: IngressConfig;
  readonly onAlarm: (alarm: JournalAlarm) => void;
  readonly now: () => number;
  /** Asked once the directory is ours. `sources`: those that it holds, and the one that begins. */
  readonly assigned: NonNullable<JournalOnDiskOptions['assigned']>;
}

export interface IngressJournal {
  readonly journal: DiskJournal;
  /** Closes the journal, then lets go of its directory. */
  close(): Promise<void>;
}

/** Where the journal is kept, unless the configuration names another place. */
export function journalDirectory(config: Pick<IngressConfig, 'journal_dir'>, usual: string): string {
  return config.journal_dir === '' ? usual : config.journal_dir;
}

/** Throws `JOURNAL_LOCKED`, `JOURNAL_UNREADABLE`. */
export async function openIngressJournal({ directory, ...options }: IngressJournalOptions): Promise<IngressJournal> {
  mkdirSync(directory, { recursive: true });
  const lock = lockJournal(directory);
  try {
    const journal = await openJournalOn({ ...options, disk: nodeDisk(directory), newId: () => newId(options.now()) });
    return {
      journal,
      async close() {
        await journal.shutdown();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error instanceof AppError
      ? error
      : new AppError('JOURNAL_UNREADABLE', `the journal in ${directory} cannot be read or written: ${String(error)}`, { cause: error });
  }
}

export interface JournalOnDiskOptions {
  readonly disk: JournalDisk;
  readonly config: Pick<IngressConfig, JournalSetting>;
  readonly onAlarm: (alarm: JournalAlarm) => void;
  readonly now: () => number;
  /** A UUID, never given before. */
  readonly newId: () => string;
  /** What the ledger knows of these sources: by source, the highest number of each partition. A source of which the journal has fewer is set aside.
   *  Default: nothing. */
  readonly assigned?: (sources: ReadonlySet<string>) => Promise<(source: string) => ReadonlyMap<number, number>>;
  readonly pacing?: Pacing;
}

type JournalSetting =
  | 'journal_durability'
  | 'journal_entries_max'
  | 'journal_bytes_max'
  | 'journal_buffer_bytes_max'
  | 'journal_memory_bytes_max'
  | 'journal_segment_bytes_max'
  | 'journal_sync_interval_ms_max';

/** A full journal is of so many segments at least: the one that is written to never goes, so it must not be all there is room for. */
const SEGMENTS_MIN = 4;

/** The journal on a disk that nobody else uses. Throws what the disk throws. */
export async function openJournalOn({ disk, config, onAlarm, now, newId, assigned, pacing }: JournalOnDiskOptions): Promise<DiskJournal> {
  const source = `ingress/${newId()}`;
  const known = await assigned?.(new Set([...(await heldSources(disk)), source]));
  return openDiskJournal({
    disk,
    source,
    ...(known === undefined ? {} : { assigned: known }),
    isForeign: isResultSource,
    durability: config.journal_durability,
    entriesMax: config.journal_entries_max,
    bytesMax: config.journal_bytes_max,
    bufferedBytesMax: config.journal_buffer_bytes_max,
    memoryBytesMax: config.journal_memory_bytes_max,
    segmentBytesMax: Math.min(config.journal_segment_bytes_max, Math.floor(config.journal_bytes_max / SEGMENTS_MIN)),
    syncIntervalMsMax: config.journal_sync_interval_ms_max,
    unresolved: (entry, numbered) =>
      recovered({ ...unclosedEvent(entry), source: numbered.source, sequence: numbered.sequence, recordedAtMs: now() }),
    lost: (numbered) => lostRecord(numbered, newId(), now()),
    onAlarm,
    ...(pacing === undefined ? {} : { pacing }),
  });
}

/** Says that there was a request, and nothing else. */
export function lostRecord({ source, sequence }: Numbered, eventId: string, atMs: number): RecoveredEvent {
  return recovered(lostEvent({ eventId, source, sequence, atMs }));
}

/** What is known of a request whose end nobody recorded; its place in the ledger is for the caller to fill in. */
export function unclosedEvent({ facts, progress }: Pick<UnclosedEntry, 'facts' | 'progress'>): UsageEvent {
  const opened = progress === null ? decodeOpenedRequest(facts) : undefined;
  if (opened !== undefined) return unresolvedRequest(opened, { source: '', sequence: 0, recordedAtMs: opened.occurredAtMs });
  const event = decodeUsageEvent(Buffer.from(progress ?? facts));
  invariant(!isRejected(event), 'the journal holds facts that an ingress wrote');
  return event;
}

function recovered(event: UsageEvent): RecoveredEvent {
  return { key: event.attribution.virtualKeyId, value: encodeUsageEvent(event) };
}
