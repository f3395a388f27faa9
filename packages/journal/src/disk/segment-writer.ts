/** Writes batches of records to segments. What comes in one turn of the event loop is one write; what comes while a sync is under way waits for its end,
 *  since a file system may hold up whoever writes to a file that is being synced. Somebody has to wait for a sync before there is one, and two of them
 *  keep a distance: so they are shared by as many records as may be. A write or a sync that fails is never trusted again: its segment is left as it is, and
 *  everything that was not synced is written anew to the next one. */
import { setImmediate } from 'node:timers';
import type { Pacing } from '@tokenledger/event-log';
import { BatchBuffer, SEGMENT_HEAD } from './batch.ts';
import type { JournalDisk, JournalFile } from './disk.ts';
import type { JournalRecord } from './record.ts';
import { hold, type HeldNumbers } from './recovery.ts';
import { segmentFileName } from './segment-name.ts';

export interface Segment {
  readonly name: string;
  readonly number: number;
  bytes: number;
  /** By partition: the numbers it holds. */
  readonly closed: Map<number, HeldNumbers>;
  /** Entries that were opened in it and are not closed yet, on disk. */
  unclosed: number;
}

/** The part of an entry that the writer keeps up to date. */
export interface WrittenEntry {
  /** Where it was opened; null before that is written. */
  segment: Segment | null;
}

export interface SegmentWriterOptions {
  readonly disk: JournalDisk;
  readonly source: string;
  readonly durability: 'disk' | 'process';
  /** A segment that has reached this size is followed by the next. */
  readonly segmentBytesMax: number;
  readonly firstSegment: number;
  readonly firstBatch: number;
  /** By partition: last sequence before the first segment. */
  readonly numbered: ReadonlyMap<number, number>;
  readonly pacing: Pacing;
  /** Under load a sync begins up to so long after the one before: what comes meanwhile goes along. Default: 0. */
  readonly syncIntervalMsMax?: number;
  readonly onWritten: () => void;
  readonly onSynced: () => void;
  /** Told of every failure; the writer goes on trying. */
  readonly onFailure: (error: unknown) => void;
}

interface Batch {
  readonly buffer: BatchBuffer;
  readonly number: number;
  readonly bytes: Buffer;
  readonly position: number;
  readonly opened: readonly WrittenEntry[];
  readonly closed: readonly { readonly partition: number; readonly sequence: number; readonly entry: WrittenEntry | null }[];
}

const BATCH_BYTES_INITIAL = 256 * 1024;
const SPARE_BUFFERS_MAX = 4;
/** Nobody has to wait for what was written to be synced all the same, after so long. */
const UNWAITED_SYNC_MS = 50;
/** Up to three answers at a time are no load. */
const REST_MS_PER_ANSWER = 0.25;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 1_000;

export class SegmentWriter {
  readonly segments: Segment[] = [];
  readonly #options: SegmentWriterOptions;
  readonly #numbered: Map<number, number>;
  readonly #syncedNumbers = new Map<number, number>();
  readonly #spare: BatchBuffer[] = [];
  #gathering = new BatchBuffer(BATCH_BYTES_INITIAL);
  #opened: WrittenEntry[] = [];
  #closed: { partition: number; sequence: number; entry: WrittenEntry | null }[] = [];
  #position = 0;
  #writtenThrough = 0;
  #syncedThrough = 0;
  #nextBatch: number;
  #nextSegment: number;
  #syncedBatch: number;
  #file: JournalFile | null = null;
  #unsynced: Batch[] = [];
  #toldWritten = 0;
  #scheduled = false;
  #running: Promise<void> | null = null;
  /** Somebody waits for everything up to here to be synced. */
  #wanted = 0;
  /** The last sync began too short a time ago. */
  #resting = false;
  #watched = false;
  #broken: Error | null = null;
  #closing = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.#numbered = new Map(options.numbered);
    this.#nextBatch = options.firstBatch;
    this.#syncedBatch = options.firstBatch - 1;
    this.#nextSegment = options.firstSegment;
  }

  get writtenThrough(): number {
    return this.#writtenThrough;
  }

  get syncedThrough(): number {
    return this.#syncedThrough;
  }

  /** The last batch that was made. */
  get lastBatch(): number {
    return this.#nextBatch - 1;
  }

  get nextSegment(): number {
    return this.#nextSegment;
  }

  /** By partition: the last number whose record is synced. */
  get syncedNumbers(): ReadonlyMap<number, number> {
    return this.#syncedNumbers;
  }

  /** Bytes that are held in memory until the disk has them. */
  get bufferedBytes(): number {
    return this.#position - this.#syncedThrough;
  }

  /** The disk does not take what it is given. */
  get failing(): boolean {
    return this.#broken !== null;
  }

  opened(record: JournalRecord, entry: WrittenEntry): number {
    this.#opened.push(entry);
    return this.append(record);
  }

  closed(record: JournalRecord & { readonly kind: 'closed' }, entry: WrittenEntry | null): number {
    this.#closed.push({ partition: record.partition, sequence: record.sequence, entry });
    return this.append(record);
  }

  /** Returns the position at which the record ends. */
  append(record: JournalRecord): number {
    this.#position += this.#gathering.append(record);
    this.#schedule();
    return this.#position;
  }

  /** Asks for everything up to `position` to be synced soon. */
  want(position: number): void {
    if (position <= this.#wanted) return;
    this.#wanted = position;
    if (!this.#resting) this.#schedule();
  }

  /** At once, in place of at the end of this turn of the event loop. */
  flush(): void {
    if (this.#scheduled) this.#start();
  }

  /** Resolves once everything is synced and the file is closed. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wanted = this.#position;
    this.#start();
    await this.#running;
    await this.#file?.close();
    this.#file = null;
  }

  /** What else comes in this turn of the event loop goes along. */
  #schedule(): void {
    if (this.#scheduled || this.#running !== null) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (!this.#gathering.isEmpty || this.#syncIsDue()) this.#schedule();
    });
  }

  async #run(): Promise<void> {
    while (!this.#gathering.isEmpty || this.#broken !== null || this.#syncIsDue()) {
      if (this.#broken !== null) await this.#mend();
      else if (!this.#gathering.isEmpty) await this.#writeOne();
      const syncing = this.#syncIsDue() ? this.#sync() : null;
      this.#tellWritten();
      await syncing;
    }
  }

  /** There is nothing to be synced of which the disk itself is not asked anything. */
  #syncIsDue(): boolean {
    if (this.#broken !== null || this.#unsynced.length === 0 || this.#options.durability === 'process') return false;
    return this.#wanted > this.#syncedThrough && (!this.#resting || this.#closing);
  }

  #tellWritten(): void {
    if (this.#broken !== null || this.#toldWritten === this.#writtenThrough) return;
    this.#toldWritten = this.#writtenThrough;
    this.#options.onWritten();
  }

  async #writeOne(): Promise<void> {
    const batch = this.#take();
    this.#unsynced.push(batch);
    try {
      await this.#write(batch);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#writtenThrough = batch.position;
    if (this.#options.durability === 'process') this.#settle(1);
    else if (this.#wanted < batch.position) this.#syncUnwaited();
  }

  /** An opening whose answer takes its time is safe from a power cut, too. */
  #syncUnwaited(): void {
    if (this.#watched) return;
    this.#watched = true;
    void this.#options.pacing.wait(UNWAITED_SYNC_MS).then(() => {
      this.#watched = false;
      if (this.#syncedThrough < this.#writtenThrough) this.want(this.#writtenThrough);
    });
  }

  #take(): Batch {
    const buffer = this.#gathering;
    const number = this.#nextBatch++;
    const batch: Batch = {
      buffer,
      number,
      bytes: buffer.seal(number, this.#syncedBatch),
      position: this.#position,
      opened: this.#opened,
      closed: this.#closed,
    };
    this.#gathering = this.#spare.pop() ?? new BatchBuffer(BATCH_BYTES_INITIAL);
    this.#opened = [];
    this.#closed = [];
    return batch;
  }

  async #write(batch: Batch): Promise<void> {
    if (this.#file === null || (this.segments.at(-1)?.bytes ?? 0) >= this.#options.segmentBytesMax) await this.#nextFile();
    const segment = this.segments.at(-1) as Segment;
    await (this.#file as JournalFile).append(batch.bytes);
    segment.bytes += batch.bytes.length;
    for (const entry of batch.opened) {
      if (entry.segment !== null) entry.segment.unclosed -= 1;
      entry.segment = segment;
      segment.unclosed += 1;
    }
    for (const closed of batch.closed) {
      hold(segment.closed, closed);
      this.#numbered.set(closed.partition, Math.max(closed.sequence, this.#numbered.get(closed.partition) ?? 0));
    }
  }

  /** The old segment is whole and synced before the next begins. */
  async #nextFile(): Promise<void> {
    if (this.#file !== null) {
      if (this.#options.durability === 'disk') await this.#file.sync();
      await this.#file.close();
      this.#file = null;
    }
    const number = this.#nextSegment++;
    const name = segmentFileName({ source: this.#options.source, number });
    const file = await this.#options.disk.create(name);
    this.#file = file;
    const segment: Segment = { name, number, bytes: 0, closed: new Map(), unclosed: 0 };
    this.segments.push(segment);
    const head = new BatchBuffer(1_024);
    head.append({ kind: 'segment', numbered: this.#numbered });
    const bytes = head.seal(SEGMENT_HEAD, this.#syncedBatch);
    await file.append(bytes);
    segment.bytes += bytes.length;
  }

  /** Covers all that was written when it begins. */
  async #sync(): Promise<void> {
    const { length } = this.#unsynced;
    this.#rest();
    try {
      await this.#file?.sync();
      this.#settle(length);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A sync costs as much for one answer as for a hundred: the more of them share this one, the longer the next may gather its own. */
  #rest(): void {
    const { pacing, syncIntervalMsMax = 0 } = this.#options;
    let answers = 0;
    for (const { closed } of this.#unsynced) answers += closed.length;
    const restMs = Math.min(answers * REST_MS_PER_ANSWER, syncIntervalMsMax);
    if (restMs < 1) return;
    this.#resting = true;
    void pacing.wait(restMs).then(() => {
      this.#resting = false;
      if (this.#syncIsDue()) this.#start();
    });
  }

  /** The first `count` batches are safe. */
  #settle(count: number): void {
    for (const batch of this.#unsynced.splice(0, count)) {
      this.#syncedThrough = batch.position;
      this.#syncedBatch = batch.number;
      for (const { partition, sequence, entry } of batch.closed) {
        this.#syncedNumbers.set(partition, sequence);
        if (entry !== null && entry.segment !== null) entry.segment.unclosed -= 1;
      }
      if (this.#spare.length < SPARE_BUFFERS_MAX) {
        batch.buffer.clear();
        this.#spare.push(batch.buffer);
      }
    }
    this.#options.onSynced();
  }

  #fail(error: unknown): void {
    this.#broken = error instanceof Error ? error : new Error(String(error));
    this.#options.onFailure(error);
  }

  /** A new segment takes everything that was not synced; tried until the disk takes it. */
  async #mend(): Promise<void> {
    for (let pauseMs = RETRY_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX)) {
      await this.#options.pacing.wait(pauseMs);
      try {
        await this.#abandonFile();
        await this.#nextFile();
        for (const batch of this.#unsynced) await this.#write(batch);
        if (this.#options.durability === 'disk') await (this.#file as unknown as JournalFile).sync();
        break;
      } catch (error) {
        this.#options.onFailure(error);
      }
    }
    this.#broken = null;
    const last = this.#unsynced.at(-1);
    if (last !== undefined) this.#writtenThrough = last.position;
    this.#settle(this.#unsynced.length);
  }

  async #abandonFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    // A file that failed may fail to close as well: nothing depends on it.
    await file?.close().catch((error: unknown) => this.#options.onFailure(error));
  }
}
