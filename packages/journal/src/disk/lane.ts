/** The closed entries of one source in one partition: those that wait for the log are in memory up to a bound, the rest are on disk until their turn comes. */
import { invariant } from '@tokenledger/domain';
import type { ClosedEntry } from '../journal.ts';

/** Sums over lanes, kept up to date by each of them. */
export interface LaneTotals {
  /** Entries that the log has not acknowledged. */
  waiting: number;
  /** Bytes of values in memory. */
  bytes: number;
}

interface Waiting {
  readonly entry: ClosedEntry;
  /** Where its record ends. */
  readonly position: number;
}

/** Entries at the front that are acknowledged already are cut off in blocks. */
const HEAD_CUT = 1_024;

export class Lane {
  readonly source: string;
  readonly partition: number;
  #last: number;
  #acknowledged: number;
  #landed: number;
  /** In memory: `#acknowledged + 1` to `#loadedThrough`, from `#head` on. */
  #waiting: (Waiting | undefined)[] = [];
  #head = 0;
  #loadedThrough: number;
  #bytes = 0;
  readonly #totals: LaneTotals;

  /** `after`: the number before the first that is held. */
  constructor(source: string, partition: number, after: number, last: number, totals: LaneTotals) {
    this.#totals = totals;
    totals.waiting += last - after;
    this.source = source;
    this.partition = partition;
    this.#last = last;
    this.#acknowledged = after;
    this.#landed = after;
    this.#loadedThrough = after;
  }

  get last(): number {
    return this.#last;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get landed(): number {
    return this.#landed;
  }

  /** Bytes of values in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first number that waits and is only on disk; null when there is none. */
  get firstOnDisk(): number | null {
    return this.#loadedThrough < this.#last ? this.#loadedThrough + 1 : null;
  }

  nextSequence(): number {
    this.#last += 1;
    this.#totals.waiting += 1;
    return this.#last;
  }

  /** Keeps a new entry in memory, unless there are older ones on disk only or `keep` says that there is no room. */
  add(entry: ClosedEntry, position: number, keep: boolean): void {
    if (!keep || this.#loadedThrough !== entry.sequence - 1) return;
    this.#push(entry, position);
  }

  /** Takes an entry that was read from disk, if it is the next one; says whether it was. */
  load(entry: ClosedEntry): boolean {
    if (entry.sequence !== this.#loadedThrough + 1) return false;
    this.#push(entry, 0);
    return true;
  }

  #push(entry: ClosedEntry, position: number): void {
    this.#waiting.push({ entry, position });
    this.#loadedThrough = entry.sequence;
    this.#bytes += entry.value.byteLength;
    this.#totals.bytes += entry.value.byteLength;
  }

  pending(syncedThrough: number, max: number): ClosedEntry[] {
    const entries: ClosedEntry[] = [];
    for (let index = this.#head; index < this.#waiting.length && entries.length < max; index++) {
      const { entry, position } = this.#waiting[index] as Waiting;
      if (position > syncedThrough) break;
      entries.push(entry);
    }
    return entries;
  }

  acknowledge(sequence: number): void {
    invariant(sequence <= this.#last, 'the log acknowledged a number that was never given');
    while (this.#acknowledged < sequence) {
      const waiting = this.#waiting[this.#head];
      if (waiting === undefined) {
        // What is only on disk was acknowledged, too: ClickHouse has it already.
        this.#totals.waiting -= sequence - this.#acknowledged;
        this.#acknowledged = sequence;
        this.#loadedThrough = Math.max(this.#loadedThrough, sequence);
        break;
      }
      // Let go at once: what lives on until the cut is copied by the collector again and again.
      this.#waiting[this.#head] = undefined;
      this.#head += 1;
      this.#acknowledged += 1;
      this.#totals.waiting -= 1;
      this.#bytes -= waiting.entry.value.byteLength;
      this.#totals.bytes -= waiting.entry.value.byteLength;
    }
    if (this.#head >= HEAD_CUT || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  land(sequence: number): void {
    this.#landed = Math.max(this.#landed, Math.min(sequence, this.#last));
    if (this.#landed > this.#acknowledged) this.acknowledge(this.#landed);
  }
}

export function laneKey(source: string, partition: number): string {
  return `${source}/${partition}`;
}
