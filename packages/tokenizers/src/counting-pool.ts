/** Threads that count, in front of them a queue that is bounded in parts and in bytes. Parts are gathered for a moment and sent together.
 *
 *  Nobody waits for a place: what does not fit is `overload` at once. A thread that does not come back is ended, and another takes its place. */
import { Piscina } from 'piscina';
import { type BatchedPart, type CountBatch, type CountedBatch, sharedNowMs } from './count-batch.ts';
import { notCounted, type PartCount } from './count.ts';
import type { CountablePart } from './count-part.ts';

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

/** Parts are gathered until there are so many, or so many bytes, or so many milliseconds have passed. */
const BATCH_PARTS = 64;
const BATCH_BYTES = 256 * 1024;
const GATHER_MS = 5;
/** A thread that is so much later than the last deadline of its batch is stuck. Loading a vocabulary takes less. */
const STUCK_AFTER_MS = 10_000;
/** Added to the niceness of the process. */
const THREAD_NICENESS = 10;

interface WaitingPart {
  readonly part: CountablePart;
  readonly deadlineMs: number;
  readonly settle: (count: PartCount) => void;
}

export class CountingPool {
  readonly #limits: CountingLimits;
  readonly #threads: Piscina;
  #gathered: WaitingPart[] = [];
  #gatheredBytes = 0;
  #timer: NodeJS.Timeout | undefined;
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

  /** Settles when it is counted, or with the reason why it is not; never rejects. The body must not change before that. */
  count(part: CountablePart): Promise<PartCount> {
    if (this.#isClosed) return Promise.resolve(notCounted('closed'));
    const bytes = part.body.byteLength;
    if (bytes > this.#limits.bodyBytes) return Promise.resolve(notCounted('too_large'));
    if (this.#queuedParts >= this.#limits.queueParts || this.#queuedBytes + bytes > this.#limits.queueBytes) {
      this.#refusedParts += 1;
      return Promise.resolve(notCounted('overload'));
    }
    this.#queuedParts += 1;
    this.#queuedBytes += bytes;
    const { promise, resolve } = Promise.withResolvers<PartCount>();
    // A large one goes alone, so that no other waits for it in its batch.
    if (this.#gatheredBytes + bytes > BATCH_BYTES) this.#send();
    this.#gathered.push({ part, deadlineMs: sharedNowMs() + this.#limits.deadlineMs, settle: resolve });
    this.#gatheredBytes += bytes;
    if (this.#gathered.length >= BATCH_PARTS || this.#gatheredBytes >= BATCH_BYTES) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), GATHER_MS).unref();
    return promise;
  }

  /** What is not counted yet is `closed`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#forgetTimer();
    this.#settle(this.#gathered.splice(0), 'closed');
    await this.#threads.destroy();
  }

  #send(): void {
    this.#forgetTimer();
    const waiting = this.#gathered;
    if (waiting.length === 0) return;
    this.#gathered = [];
    const batch = batchOf(waiting, this.#gatheredBytes);
    this.#gatheredBytes = 0;
    void this.#run(waiting, batch);
  }

  async #run(waiting: readonly WaitingPart[], batch: CountBatch): Promise<void> {
    const stuck = new AbortController();
    const timer = setTimeout(() => stuck.abort(), this.#limits.deadlineMs + STUCK_AFTER_MS).unref();
    try {
      const { counts, cpuUs } = (await this.#threads.run(batch, { signal: stuck.signal })) as CountedBatch;
      this.#threadCpuUs += cpuUs;
      this.#countedParts += waiting.length;
      this.#settle(waiting, counts);
    } catch {
      // The thread died, or was ended: its batch has no counts, and the next one gets a new thread.
      this.#settle(waiting, this.#isClosed ? 'closed' : stuck.signal.aborted ? 'overload' : 'count_failed');
    } finally {
      clearTimeout(timer);
    }
  }

  #settle(waiting: readonly WaitingPart[], outcome: readonly PartCount[] | 'closed' | 'count_failed' | 'overload'): void {
    waiting.forEach(({ part, settle }, index) => {
      this.#queuedParts -= 1;
      this.#queuedBytes -= part.body.byteLength;
      settle(typeof outcome === 'string' ? notCounted(outcome) : (outcome[index] ?? notCounted('count_failed')));
    });
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Copies the bodies into one piece of memory that can be moved. */
function batchOf(waiting: readonly WaitingPart[], byteCount: number): CountBatch {
  const bytes = new Uint8Array(byteCount);
  let at = 0;
  const parts = waiting.map(({ part, deadlineMs }): BatchedPart => {
    bytes.set(part.body, at);
    const start = at;
    at += part.body.byteLength;
    return {
      kind: part.kind,
      surface: part.surface,
      provider: part.provider,
      model: part.model,
      contentType: part.kind === 'output' ? part.contentType : '',
      calibration: part.calibration,
      start,
      end: at,
      deadlineMs,
    };
  });
  return { bytes, parts };
}
