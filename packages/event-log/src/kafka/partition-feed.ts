/** The records of one partition on their way from the fetches to whoever polls: a bounded buffer, and a position that nothing resets. */
import { AppError } from '@tokenledger/domain';
import type { LogRecord, PollLimits } from '../port.ts';
import { recordBytes } from '../record-size.ts';
import type { FetchedPartition } from './fetch-request.ts';
import { RecordBatches } from './record-batch-decoder.ts';

export interface FeedOptions {
  readonly topic: string;
  readonly partition: number;
  /** Where reading begins. */
  readonly from: number;
  /** A record that is kept for long must not keep the whole fetch in memory: then its value is copied. */
  readonly copyValues: boolean;
  /** Above this many bytes nothing is fetched ahead. */
  readonly bufferBytesMax: number;
}

export class PartitionFeed {
  readonly topic: string;
  readonly partition: number;
  readonly #options: FeedOptions;
  readonly #onHungry: (feed: PartitionFeed) => void;
  #buffered: RecordBatches[] = [];
  #bufferedBytes = 0;
  #position: number;
  #fetchOffset: number;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  #closed = false;
  /** Changes with every seek: what was fetched for another position is dropped. */
  #stretch = 0;

  /** `onHungry` is told when there is room for more. */
  constructor(options: FeedOptions, onHungry: (feed: PartitionFeed) => void) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#options = options;
    this.#onHungry = onHungry;
    this.#position = options.from;
    this.#fetchOffset = options.from;
  }

  /** The next offset to be read: past what compaction and transactions have left empty, as far as has been read. */
  get position(): number {
    return this.#position;
  }

  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  get stretch(): number {
    return this.#stretch;
  }

  get hungry(): boolean {
    return !this.#closed && this.#failure === null && this.#bufferedBytes < this.#options.bufferBytesMax;
  }

  /** Somebody waits, and has nothing. */
  get starving(): boolean {
    return this.#wake !== null;
  }

  /** `[]` once `signal` has aborted or the feed was closed. Throws what fetching failed with, after all that came before it. */
  async poll(limits: PollLimits, signal: AbortSignal, nowMs: () => number): Promise<readonly LogRecord[]> {
    const deadlineMs = nowMs() + limits.waitMs;
    for (;;) {
      if (signal.aborted || this.#closed) return [];
      const records = this.#take(limits);
      if (this.hungry) this.#onHungry(this);
      if (records.length > 0) return records;
      if (this.#failure !== null) {
        const failure = this.#failure;
        this.#failure = null;
        throw failure;
      }
      const leftMs = deadlineMs - nowMs();
      if (leftMs <= 0) return [];
      await this.#arrival(leftMs, signal);
    }
  }

  #take(limits: PollLimits): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    while (records.length < limits.recordsMax && bytes < Math.max(1, limits.bytesMax)) {
      const batches = this.#buffered[0];
      if (batches === undefined) break;
      const record = batches.next();
      this.#position = batches.nextOffset;
      if (record === null) {
        this.#buffered.shift();
        this.#bufferedBytes -= batches.byteLength;
      } else {
        records.push(record);
        bytes += recordBytes(record);
      }
    }
    return records;
  }

  async #arrival(waitMs: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }

  seek(offset: number): void {
    this.#failure = null;
    if (offset === this.#position) return;
    const first = this.#buffered[0];
    if (first !== undefined && offset >= first.firstOffset && offset <= this.#fetchOffset) {
      // Near enough: what is here is read again, or passed over.
      this.#buffered = this.#buffered.map((batches) => batches.rewound(offset));
    } else {
      this.#buffered = [];
      this.#bufferedBytes = 0;
      this.#fetchOffset = offset;
      this.#stretch += 1;
    }
    this.#position = offset;
    this.#wake?.();
  }

  /** Takes in what a fetch for `stretch` brought. */
  accept(stretch: number, fetched: FetchedPartition): void {
    if (stretch !== this.#stretch || this.#closed || fetched.records.length === 0) return;
    const from = this.#fetchOffset;
    const end = RecordBatches.endOf(fetched.records, from);
    if (end === from) {
      // The first batch is larger than what a fetch brings, which Kafka gives whole: so this is no batch at all.
      this.fail(
        stretch,
        new AppError('BATCH_UNREADABLE', `The log of ${this.topic}/${this.partition} holds no whole batch at offset ${from}.`),
      );
      return;
    }
    this.#buffered.push(new RecordBatches(this, fetched.records, from, this.#options.copyValues));
    this.#bufferedBytes += fetched.records.length;
    this.#fetchOffset = end;
    this.#wake?.();
  }

  /** What was buffered still comes; then the failure, once. */
  fail(stretch: number, failure: Error): void {
    if (stretch !== this.#stretch || this.#closed) return;
    this.#failure = failure;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#buffered = [];
    this.#bufferedBytes = 0;
    this.#wake?.();
  }
}
