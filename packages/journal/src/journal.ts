/** The journal as the ingress sees it: what is recorded here before it happens cannot be lost after it happened.
 *
 *  A request has one entry: `open` before anything goes upstream, `close` with the final bytes of its event. A position is
 *  written once the operating system has it (it survives the death of the process), and synced once the disk has it
 *  (it survives the death of the machine; with `durability: process` that is the same). */

/** Grows with every record; compare with `syncedThrough`. */
export type JournalPosition = number;

export interface JournalEntry {
  readonly id: number;
  readonly partition: number;
  /** Where the latest record of this entry ends. */
  readonly position: JournalPosition;
}

export interface OpenRequest {
  /** Partition of the usage topics; fixed for the entry's life. */
  readonly partition: number;
  /** What recovery needs to build an `unresolved` event. */
  readonly facts: () => Uint8Array;
}

/** An entry whose bytes are final and wait to be published. */
export interface ClosedEntry {
  readonly source: string;
  readonly partition: number;
  readonly sequence: number;
  readonly key: string;
  readonly value: Uint8Array;
}

/** Numbers of one source in one partition. Entries through `acknowledged` are in the event log, those through `landed` have taken effect, those through
 *  `last` exist. */
export interface LaneState {
  readonly source: string;
  readonly partition: number;
  readonly acknowledged: number;
  readonly landed: number;
  readonly last: number;
  /** Entries through this one are safe: whatever becomes of the process, no other event gets their numbers. */
  readonly synced: number;
}

export interface JournalFill {
  /** Entries that are open, or closed and not acknowledged by the log. */
  readonly entries: number;
  /** Those of them that are open: they have no number yet. */
  readonly open: number;
  readonly entriesMax: number;
  /** Bytes that are held: on disk, where there is one. */
  readonly bytes: number;
  readonly bytesMax: number;
}

/** A source that is numbered elsewhere, as one of its users has it: what a provider identifies has the same numbers and bytes wherever it is read. */
export interface ForeignSource {
  /** Where its entries belong: where they were begun, if they were. */
  readonly partition: number;
  /** The highest number that is held, safe or not: only the next one can be added. 0 when nothing is, also when all of it has landed and gone. */
  readonly last: number;
  /** False when the journal is full or its disk does not take what it is given. */
  add(sequence: number, key: string, value: Uint8Array): boolean;
  /** Calls back once the entries through `sequence` are safe; at once when they already are. */
  onSynced(sequence: number, callback: () => void): void;
  /** Call it once nothing is added or waited for any more. */
  release(): void;
}

export interface Journal {
  /** Identity of this opening; never used again. */
  readonly source: string;
  readonly syncedThrough: JournalPosition;
  /** Writes the opening record. Null when the journal is full or its disk does not take what it is given: refuse with 503 and `Retry-After`. */
  open(request: OpenRequest): JournalEntry | null;
  /** What is known of an open request so far, in place of what was known before: recovery builds its event of the newest. Returns where the record ends; null
   *  when the journal is full or its disk does not take what it is given, and nothing was written. */
  progress(entry: JournalEntry, facts: Uint8Array): JournalPosition | null;
  /** The request has ended, and something of its event is still to come (a count, say): what it would say without that. Recovery publishes it if the entry
   *  is never closed. Returns where the record ends: synced, the event is safe. */
  answered(entry: JournalEntry, facts: Uint8Array): JournalPosition;
  /** Assigns the entry's sequence (contiguous from 1 per partition), takes the event's final bytes and queues them for publication.
   *  Returns where its closing record ends: synced, the event is safe. */
  close(entry: JournalEntry, key: string, encode: (sequence: number) => Uint8Array): JournalPosition;
  /** Writes what has gathered, without waiting for what else this turn of the event loop may bring. */
  flush(): void;
  /** Calls back once the record that ends at `position` has left this process; at once when it already has. */
  onWritten(position: JournalPosition, callback: () => void): void;
  /** Calls back once `syncedThrough` has reached `position`; at once when it already has. */
  onSynced(position: JournalPosition, callback: () => void): void;
  /** For adding entries of a source that is numbered elsewhere. They are published and let go like this journal's own. Null when it is closing. */
  foreign(source: string, partition: number): ForeignSource | null;
  /** This source's lanes, those of foreign sources, and those of earlier openings that still hold entries. */
  lanes(): readonly LaneState[];
  /** Closed entries of a lane that are synced and not acknowledged, in sequence order, at most `max`. When the next ones have to be read from
   *  disk first, there are none, and `onClosed` is called once they are here. */
  pending(source: string, partition: number, max: number): readonly ClosedEntry[];
  /** The log holds this lane's entries up to `sequence`. */
  acknowledged(source: string, partition: number, sequence: number): void;
  /** Everything of this lane up to `sequence` has taken effect: it may go. */
  landed(source: string, partition: number, sequence: number): void;
  /** Entries of a lane that are still held, by number, for publishing them again; those that were damaged are absent, and those that were let go,
   *  also while others were read. */
  read(source: string, partition: number, from: number, to: number): Promise<readonly ClosedEntry[]>;
  /** Called whenever entries of a lane may have become pending. */
  onClosed(listener: (source: string, partition: number) => void): void;
  fill(): JournalFill;
  /** Resolves once everything written is synced and the files are closed. */
  shutdown(): Promise<void>;
}
