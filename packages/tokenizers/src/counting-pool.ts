/** Threads that count, in front of them a queue that is bounded in parts and in bytes. Parts are gathered for a moment and sent together.
 *
 *  Nobody waits for a place: what does not fit is `overload` at once. A thread that does not come back is ended, and another takes its place. */
import { Piscina } from 'piscina';
import { type CountBatch, type CountedBatch, type PartKind, readCount, sharedNowMs } from './count-batch.ts';
import { notCounted, type PartCount } from './count.ts';
import { GatheredParts } from './gathered-parts.ts';

export interface CountingLimits {
  /** Each holds the vocabularies that it has used. */
  readonly threads: number;
  /** How long a part may take, from when it is handed in, in milliseconds. */
  readonly deadlineMs: number;
  /** Parts that wait or are being counted. */
  readonly queueParts: number;
  /** Their bytes. */
  readonly queueBytes: number;
  /** A longer body is not counted. */
  readonly bodyBytes: number;
}

export const COUNTING_LIMITS: CountingLimits = {
  threads: 1,
  deadlineMs: 2_000,
  queueParts: 2_048,
  queueBytes: 64 * 1024 * 1024,
  bodyBytes: 4 * 1024 * 1024,
};

/** How full the queue is, and what has been done since the start. */
export interface CountingStats {
  readonly queuedParts: number;
  readonly queuedBytes: number;
  readonly countedParts: number;
  readonly refusedParts: number;
  /** Threads that failed while nothing was asked of them, and answers of threads that had been given up. */
  readonly threadFaults: number;
  /** Processor time of the threads, in microseconds. */
  readonly threadCpuUs: number;
}

/** Parts are gathered for so long, unless a batch is full before: waking a thread and being woken costs more than counting a short text. Events wait for others
 *  as long to be published, so nobody notices. */
const GATHER_MS = 50;
/** Of the deadline, at most. */
const GATHER_SHARE = 0.1;
/** How often is looked for parts whose deadline has passed. */
const SWEEP_MS = 50;
/** Batches whose memory is used again. */
const SPARE_BATCHES = 8;
/** A thread that is so much later than the last deadline of its batch is stuck. Loading a vocabulary takes less. */
const STUCK_AFTER_MS = 10_000;
/** Added to the niceness of the process. */
const THREAD_NICENESS = 10;

/** The clock of this thread, put on that of all. */
const CLOCK_OFFSET_MS = sharedNowMs() - performance.now();

interface WaitingPart {
  readonly bytes: number;
  readonly deadlineMs: number;
  /** Null once it is settled. */
  settle: ((count: PartCount) => void) | null;
}

export class CountingPool {
  readonly #limits: CountingLimits;
  readonly #threads: Piscina;
  #gathered = new GatheredParts<WaitingPart>();
  #spare: GatheredParts<WaitingPart>[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** In the order of their deadlines; some are settled. */
  #due: WaitingPart[] = [];
  #sweeping: NodeJS.Timeout | undefined;
  #isClosed = false;
  #queuedParts = 0;
  #queuedBytes = 0;
  #countedParts = 0;
  #refusedParts = 0;
  #threadFaults = 0;
  #threadCpuUs = 0;

  /** Threads start with the first part. */
  constructor(limits: CountingLimits) {
    this.#limits = limits;
    this.#threads = new Piscina({
      filename: new URL('counting-thread.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: limits.threads,
      // Vocabularies take long to load: a thread stays.
      idleTimeout: Infinity,
      // Whoever serves requests goes first. Elsewhere it would slow the whole process.
      niceIncrement: process.platform === 'linux' ? THREAD_NICENESS : 0,
      // A batch has a part at least.
      maxQueue: limits.queueParts,
    });
    // Without a listener such an event ends the process. Whoever waits for a batch of that thread hears of it anyhow.
    this.#threads.on('error', () => {
      this.#threadFaults += 1;
    });
  }

  get stats(): CountingStats {
    return {
      queuedParts: this.#queuedParts,
      queuedBytes: this.#queuedBytes,
      countedParts: this.#countedParts,
      refusedParts: this.#refusedParts,
      threadFaults: this.#threadFaults,
      threadCpuUs: this.#threadCpuUs,
    };
  }

  /** Calls back once it is counted, or with the reason why it is not: at once, or soon after its deadline at the latest. `chunks`: its body, which is copied. */
  count(kind: PartKind, chunks: readonly Uint8Array[], settle: (count: PartCount) => void): void {
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.byteLength;
    if (this.#isClosed) return settle(notCounted('closed'));
    if (bytes > this.#limits.bodyBytes) return settle(notCounted('too_large'));
    if (this.#queuedParts >= this.#limits.queueParts || this.#queuedBytes + bytes > this.#limits.queueBytes) {
      this.#refusedParts += 1;
      return settle(notCounted('overload'));
    }
    this.#queuedParts += 1;
    this.#queuedBytes += bytes;
    const deadlineMs = performance.now() + CLOCK_OFFSET_MS + this.#limits.deadlineMs;
    const waiting: WaitingPart = { bytes, deadlineMs, settle };
    // A large one goes alone, so that no other waits for it in its batch.
    if (!this.#gathered.hasRoom(bytes)) this.#send();
    this.#gathered.add(waiting, kind, chunks, bytes);
    this.#due.push(waiting);
    this.#sweeping ??= setTimeout(() => this.#sweep(), SWEEP_MS);
    if (this.#gathered.isFull) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), Math.min(GATHER_MS, this.#limits.deadlineMs * GATHER_SHARE));
  }

  /** What is not counted yet is `closed`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#forgetTimer();
    const left = this.#gathered;
    this.#gathered = new GatheredParts();
    this.#settle(left, 'closed');
    await this.#threads.destroy();
    clearTimeout(this.#sweeping);
  }

  #send(): void {
    this.#forgetTimer();
    const batch = this.#gathered;
    if (batch.parts.length === 0) return;
    this.#gathered = this.#spare.pop() ?? new GatheredParts();
    void this.#run(batch);
  }

  async #run(batch: GatheredParts<WaitingPart>): Promise<void> {
    const stuck = new AbortController();
    const timer = setTimeout(() => stuck.abort(), this.#limits.deadlineMs + STUCK_AFTER_MS).unref();
    try {
      const { counts, cpuUs } = (await this.#threads.run(batch.message() satisfies CountBatch, { signal: stuck.signal })) as CountedBatch;
      this.#threadCpuUs += cpuUs;
      this.#countedParts += batch.parts.length;
      this.#settle(batch, counts);
      // Of a thread that failed nobody knows whether it still reads its memory.
      if (this.#spare.length < SPARE_BATCHES && batch.clear()) this.#spare.push(batch);
    } catch {
      // The thread died, or was ended: its batch has no counts, and the next one gets a new thread.
      this.#settle(batch, this.#isClosed ? 'closed' : stuck.signal.aborted ? 'overload' : 'count_failed');
    } finally {
      clearTimeout(timer);
    }
  }

  #settle({ parts }: GatheredParts<WaitingPart>, outcome: Float64Array | 'closed' | 'count_failed' | 'overload'): void {
    for (const [index, part] of parts.entries()) {
      this.#queuedParts -= 1;
      this.#queuedBytes -= part.bytes;
      const { settle } = part;
      part.settle = null;
      settle?.(typeof outcome === 'string' ? notCounted(outcome) : readCount(outcome, index));
    }
  }

  /** Whoever waits for a part is told when its deadline has passed, wherever it is; its memory is held until a thread is done with it. */
  #sweep(): void {
    const nowMs = performance.now() + CLOCK_OFFSET_MS;
    const due = this.#due;
    this.#due = [];
    for (const part of due) {
      const { settle } = part;
      if (settle === null) continue;
      if (part.deadlineMs > nowMs) this.#due.push(part);
      else {
        part.settle = null;
        settle(notCounted('overload'));
      }
    }
    this.#sweeping = this.#due.length === 0 ? undefined : setTimeout(() => this.#sweep(), SWEEP_MS);
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
