/** What the segments of an earlier opening tell: which requests were never closed, which numbers exist, and what was damaged. Pure; fed segment by segment. */
import { type ScannedSegment, scanSegment, SEGMENT_HEAD } from './batch.ts';
import { Numbers } from './numbers.ts';
import { type ClosedRecord, type OpenedRecord, readRecords } from './record.ts';

/** A request that was opened and never closed. */
export interface UnclosedEntry {
  readonly id: number;
  readonly partition: number;
  readonly facts: Uint8Array;
  /** What was known last of its answer; null when nothing was. */
  readonly progress: Uint8Array | null;
}

/** A number that was given and whose bytes are gone. */
export interface LostNumber {
  readonly partition: number;
  readonly sequence: number;
}

/** First and last number of a partition that a segment holds. */
export interface HeldNumbers {
  readonly from: number;
  readonly to: number;
}

export interface SegmentContent {
  readonly closed: ReadonlyMap<number, HeldNumbers>;
}

export interface RecoveredSource {
  readonly lastBatch: number;
  /** By partition: the number before the first that is held. */
  readonly heldAfter: ReadonlyMap<number, number>;
  /** By partition. */
  readonly lastSequence: ReadonlyMap<number, number>;
  readonly unclosed: readonly UnclosedEntry[];
  readonly lost: readonly LostNumber[];
  /** Batches that were on disk once and are not whole any more. */
  readonly damagedBatches: readonly number[];
}

export class SourceRecovery {
  readonly #batches = new Set<number>();
  #vouchedThrough = 0;
  #lastBatch = 0;
  #firstBatch = Number.POSITIVE_INFINITY;
  readonly #open = new Map<number, { opened: OpenedRecord; progress: Uint8Array | null }>();
  readonly #progress = new Map<number, Uint8Array>();
  readonly #closedIds = new Set<number>();
  readonly #numbers = new Map<number, Numbers>();
  readonly #heldAfter = new Map<number, number>();
  #sawSegment = false;

  /** Segments in the order of their numbers. */
  add(bytes: Buffer): SegmentContent {
    const content = new Map<number, HeldNumbers>();
    for (const batch of scanSegment(bytes).batches) {
      this.#vouchedThrough = Math.max(this.#vouchedThrough, batch.syncedThrough);
      this.#lastBatch = Math.max(this.#lastBatch, batch.number);
      if (batch.number !== SEGMENT_HEAD) this.#firstBatch = Math.min(this.#firstBatch, batch.number);
      // After a failed sync batches were written again into the next segment.
      const isNew = !this.#batches.has(batch.number);
      this.#batches.add(batch.number);
      for (const record of readRecords(batch.payload)) {
        switch (record.kind) {
          case 'opened':
            if (isNew) this.#opened(record);
            break;
          case 'progress':
            this.#progress.set(record.id, Buffer.from(record.facts));
            break;
          case 'closed':
            hold(content, record);
            this.#closed(record);
            break;
          case 'segment':
            if (!this.#sawSegment) for (const [partition, sequence] of record.numbered) this.#begin(partition, sequence);
            this.#sawSegment = true;
            break;
        }
      }
    }
    return { closed: content };
  }

  result(): RecoveredSource {
    const lost: LostNumber[] = [];
    for (const [partition, numbers] of this.#numbers) for (const sequence of numbers.missing()) lost.push({ partition, sequence });
    const damagedBatches: number[] = [];
    for (let number = this.#firstBatch; number <= this.#vouchedThrough; number++) {
      if (!this.#batches.has(number)) damagedBatches.push(number);
    }
    return {
      lastBatch: this.#lastBatch,
      heldAfter: this.#heldAfter,
      lastSequence: new Map(Array.from(this.#numbers, ([partition, numbers]) => [partition, numbers.last])),
      unclosed: Array.from(this.#open.values(), ({ opened, progress }) => ({
        id: opened.id,
        partition: opened.partition,
        facts: opened.facts,
        progress: this.#progress.get(opened.id) ?? progress,
      })),
      lost,
      damagedBatches,
    };
  }

  #opened(record: OpenedRecord): void {
    if (this.#closedIds.has(record.id)) return;
    // A copy: the segment's bytes are let go before the next one is read.
    this.#open.set(record.id, { opened: { ...record, facts: Buffer.from(record.facts) }, progress: null });
  }

  #closed(record: ClosedRecord): void {
    this.#open.delete(record.id);
    this.#progress.delete(record.id);
    if (record.id !== 0) this.#closedIds.add(record.id);
    // Without the head of the first segment nobody knows what stood before: the first number that is there begins the lane.
    this.#begin(record.partition, this.#sawSegment ? 0 : record.sequence - 1).add(record.sequence);
  }

  #begin(partition: number, after: number): Numbers {
    let numbers = this.#numbers.get(partition);
    if (numbers === undefined) {
      numbers = new Numbers(after);
      this.#numbers.set(partition, numbers);
      this.#heldAfter.set(partition, after);
    }
    return numbers;
  }
}

/** The closed records of a segment, for publishing them: those whose lane and number `wanted` names. Values are copies. */
export function* closedRecords(segment: ScannedSegment): Generator<ClosedRecord> {
  for (const batch of segment.batches) {
    for (const record of readRecords(batch.payload)) if (record.kind === 'closed') yield record;
  }
}

/** Notes that a segment holds a number. */
export function hold(content: Map<number, HeldNumbers>, { partition, sequence }: LostNumber): void {
  const held = content.get(partition);
  content.set(partition, {
    from: Math.min(held?.from ?? sequence, sequence),
    to: Math.max(held?.to ?? sequence, sequence),
  });
}
