/** Writes entries of a source that is numbered elsewhere: what a provider identifies has the same source, numbers and bytes wherever it is read, so whoever
 *  reads it first, or again, adds what is not here yet. It has segments of its own, and once nobody adds to it any more it is like any source that an
 *  earlier opening left. */
import { invariant } from '@tokenledger/domain';
import type { Pacing } from '@tokenledger/event-log';
import type { ForeignSource } from '../journal.ts';
import { PositionQueue } from '../position-queue.ts';
import type { JournalDisk } from './disk.ts';
import type { EarlierSource } from './earlier-source.ts';
import type { Lane } from './lane.ts';
import { type Segment, SegmentWriter } from './segment-writer.ts';

export interface ForeignWriterOptions {
  readonly disk: JournalDisk;
  readonly durability: 'disk' | 'process';
  readonly segmentBytesMax: number;
  readonly bufferedBytesMax: number;
  /** No file of this source has this number or a higher one. */
  readonly firstSegment: number;
  /** What is held of it already. */
  readonly held: Pick<EarlierSource, 'segments' | 'lastBatch'>;
  readonly lane: Lane;
  readonly pacing: Pacing;
  /** Whether the journal has room for another entry beside so many that it does not count yet. */
  readonly hasRoom: (uncounted: number) => boolean;
  /** Whether an entry may stay in memory until the log has it. */
  readonly keepsInMemory: () => boolean;
  /** Entries of the lane have become safe. */
  readonly onAdded: () => void;
  readonly onFailure: (error: unknown) => void;
}

interface Unsynced {
  readonly sequence: number;
  readonly key: string;
  readonly value: Uint8Array;
  readonly position: number;
}

export class ForeignWriter {
  readonly lane: Lane;
  readonly #options: ForeignWriterOptions;
  readonly #writer: SegmentWriter;
  readonly #safe = new PositionQueue();
  #unsynced: Unsynced[] = [];
  #last: number;
  #users = 0;

  constructor(options: ForeignWriterOptions) {
    const { lane, held } = options;
    this.#options = options;
    this.lane = lane;
    this.#last = lane.last;
    this.#writer = new SegmentWriter({
      disk: options.disk,
      source: lane.source,
      durability: options.durability,
      segmentBytesMax: options.segmentBytesMax,
      firstSegment: options.firstSegment,
      firstBatch: held.lastBatch + 1,
      numbered: new Map([[lane.partition, lane.last]]),
      pacing: options.pacing,
      onWritten: () => undefined,
      onSynced: () => this.#onSynced(),
      onFailure: options.onFailure,
    });
  }

  get source(): string {
    return this.lane.source;
  }

  get inUse(): boolean {
    return this.#users > 0;
  }

  /** Nothing of it waits for the disk. */
  get isSettled(): boolean {
    return this.#unsynced.length === 0;
  }

  get segments(): readonly Segment[] {
    return [...this.#options.held.segments, ...this.#writer.segments];
  }

  get lastBatch(): number {
    return this.#writer.lastBatch;
  }

  /** The number that its next file would have. */
  get nextSegment(): number {
    return this.#writer.nextSegment;
  }

  use(released: () => void): ForeignSource {
    this.#users += 1;
    let isReleased = false;
    const last = (): number => this.#last;
    return {
      partition: this.lane.partition,
      get last() {
        return last();
      },
      add: (sequence, key, value) => this.#add(sequence, key, value),
      onSynced: (sequence, callback) => {
        if (sequence <= this.lane.last) callback();
        else this.#safe.add(sequence, callback);
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#users -= 1;
        if (this.#users === 0) released();
      },
    };
  }

  /** Resolves once everything is synced and the file is closed. May be used again all the same. */
  close(): Promise<void> {
    return this.#writer.close();
  }

  #add(sequence: number, key: string, value: Uint8Array): boolean {
    invariant(this.#users > 0, 'entries of a foreign source are added by those who use it');
    invariant(sequence === this.#last + 1, 'entries of a foreign source are added in order');
    if (
      !this.#options.hasRoom(this.#unsynced.length) ||
      this.#writer.failing ||
      this.#writer.bufferedBytes >= this.#options.bufferedBytesMax
    )
      return false;
    const { partition } = this.lane;
    const position = this.#writer.closed({ kind: 'closed', id: 0, partition, sequence, key, value }, null);
    this.#unsynced.push({ sequence, key, value, position });
    this.#last = sequence;
    return true;
  }

  /** Only what is safe belongs to the lane: others may be sent it. */
  #onSynced(): void {
    const { source, partition } = this.lane;
    const count = this.#unsynced.findLastIndex(({ position }) => position <= this.#writer.syncedThrough) + 1;
    if (count === 0) return;
    for (const { sequence, key, value } of this.#unsynced.splice(0, count)) {
      this.lane.nextSequence();
      this.lane.add({ source, partition, sequence, key, value }, 0, this.#options.keepsInMemory());
    }
    this.#options.onAdded();
    this.#safe.reached(this.lane.last);
  }
}
