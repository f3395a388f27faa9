/** The journal as the ingress sees it: what is recorded here before it happens cannot be lost after it happened.
 *
 *  A request has one entry: `open` before anything goes upstream, `close` with the final bytes of its event. A position is
 *  synced once everything written up to it would survive a crash (of the process or the machine, by `durability`). */

/** Grows with every write; compare with `syncedThrough`. */
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
  readonly id: number;
  readonly partition: number;
  readonly sequence: number;
  readonly key: string;
  readonly value: Uint8Array;
}

export interface JournalFill {
  readonly entries: number;
  readonly bytes: number;
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export interface Journal {
  /** Identity of this opening; never used again. */
  readonly source: string;
  readonly syncedThrough: JournalPosition;
  /** Writes the opening record. Null when the journal is full: refuse with 503 and `Retry-After`. */
  open(request: OpenRequest): JournalEntry | null;
  /** Assigns the entry's sequence (contiguous from 1 per partition), takes the event's final bytes and queues them for publication.
   *  Returns where its closing record ends: synced, the event is safe. */
  close(entry: JournalEntry, key: string, encode: (sequence: number) => Uint8Array): JournalPosition;
  /** Calls back once `syncedThrough` has reached `position`; at once when it already has. */
  onSynced(position: JournalPosition, callback: () => void): void;
  /** Closed entries of a partition that are not acknowledged, in sequence order, from `afterSequence`, at most `max`. */
  pending(partition: number, afterSequence: number, max: number): readonly ClosedEntry[];
  /** The log holds this partition's entries up to `sequence`: they may go (the durable journal keeps them until they have landed). */
  published(partition: number, sequence: number): void;
  /** Called whenever an entry is closed. */
  onClosed(listener: (partition: number) => void): void;
  fill(): JournalFill;
  /** Resolves once everything written is synced. */
  shutdown(): Promise<void>;
}
