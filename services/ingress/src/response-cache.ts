/** Answers that were given before, in this process's memory alone: bounded in bytes, each for a time, the least recently used one leaves first. Nothing of it is written anywhere. */
import type { ServedBefore } from './core/cache-hit-event.ts';

export interface CachedAnswer {
  /** Flat pairs: what says how the body is to be read. */
  readonly headers: readonly string[];
  /** As the client got it. */
  readonly body: Buffer;
  readonly served: ServedBefore;
}

export interface CacheLimits {
  /** Of all answers together, those that are being kept included. */
  readonly bytesMax: number;
  readonly answerBytesMax: number;
}

export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly stored: number;
  readonly evicted: number;
}

interface Entry {
  readonly answer: CachedAnswer;
  readonly bytes: number;
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** What an entry takes besides its body: key, headers, objects. */
const ENTRY_OVERHEAD_BYTES = 1_024;
const SWEEP_INTERVAL_MS = 60_000;
const FIRST_CAPACITY_BYTES = 4_096;
const NOTHING = Buffer.alloc(0);

/** Times are monotonic milliseconds. */
export class ResponseCache {
  readonly #limits: CacheLimits;
  readonly #now: () => number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #sweptAt: number;
  #hits = 0;
  #misses = 0;
  #stored = 0;
  #evicted = 0;

  constructor(limits: CacheLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#sweptAt = now();
  }

  get stats(): CacheStats {
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      hits: this.#hits,
      misses: this.#misses,
      stored: this.#stored,
      evicted: this.#evicted,
    };
  }

  /** `ttlMs`: how old it may be, whatever it was stored for. */
  find(key: string, ttlMs: number): CachedAnswer | undefined {
    const now = this.#now();
    this.#sweep(now);
    const entry = this.#entries.get(key);
    const isFresh = entry !== undefined && now < entry.expiresAt && now < entry.storedAt + ttlMs;
    if (!isFresh) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.answer;
  }

  /** Keeps an answer while it passes. */
  capture(key: string, ttlMs: number): AnswerCapture {
    return new AnswerCapture({
      answerBytesMax: this.#limits.answerBytesMax,
      resize: (from, to) => this.#resize(from, to),
      store: (answer, heldBytes) => this.#store(key, ttlMs, answer, heldBytes),
    });
  }

  /** One capture holds `to` bytes where it held `from`. False when there is no room: then it holds none. */
  #resize(from: number, to: number): boolean {
    this.#bytes -= from;
    if (to > from && !this.#makeRoom(to)) return false;
    this.#bytes += to;
    return true;
  }

  #store(key: string, ttlMs: number, answer: CachedAnswer, heldBytes: number): void {
    this.#bytes -= heldBytes;
    const bytes = answer.body.length + ENTRY_OVERHEAD_BYTES;
    this.#remove(key);
    if (!this.#makeRoom(bytes)) return;
    const now = this.#now();
    this.#entries.set(key, { answer, bytes, storedAt: now, expiresAt: now + ttlMs });
    this.#bytes += bytes;
    this.#stored += 1;
  }

  #makeRoom(bytes: number): boolean {
    for (const key of this.#entries.keys()) {
      if (this.#bytes + bytes <= this.#limits.bytesMax) break;
      this.#remove(key);
      this.#evicted += 1;
    }
    return this.#bytes + bytes <= this.#limits.bytesMax;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  /** What nobody asks for again must not stay for ever. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#remove(key);
  }
}

interface Room {
  readonly answerBytesMax: number;
  resize(from: number, to: number): boolean;
  store(answer: CachedAnswer, heldBytes: number): void;
}

/** Copies what a client is sent: a chunk of a socket would keep the whole block that it was read into. */
export class AnswerCapture {
  readonly #room: Room;
  #held = NOTHING;
  #length = 0;
  #isOver = false;

  constructor(room: Room) {
    this.#room = room;
  }

  push(chunk: Uint8Array): void {
    if (this.#isOver) return;
    const length = this.#length + chunk.length;
    if (length > this.#held.length && !this.#grow(length)) return;
    this.#held.set(chunk, this.#length);
    this.#length = length;
  }

  /** The answer is whole with these chunks. Nothing is kept of one that did not fit. */
  storeWith(answer: Omit<CachedAnswer, 'body'>, ...last: readonly (Uint8Array | undefined)[]): void {
    for (const chunk of last) if (chunk !== undefined) this.push(chunk);
    if (this.#isOver) return;
    this.#isOver = true;
    const body = Buffer.allocUnsafeSlow(this.#length);
    body.set(this.#held.subarray(0, this.#length));
    this.#room.store({ ...answer, body }, this.#held.length);
    this.#held = NOTHING;
  }

  /** It will not be whole, or must not be kept. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#room.resize(this.#held.length, 0);
    this.#held = NOTHING;
  }

  #grow(length: number): boolean {
    const { answerBytesMax } = this.#room;
    if (length > answerBytesMax) {
      this.drop();
      return false;
    }
    const capacity = Math.min(answerBytesMax, Math.max(length, 2 * this.#held.length, FIRST_CAPACITY_BYTES));
    if (!this.#room.resize(this.#held.length, capacity)) {
      this.#isOver = true;
      this.#held = NOTHING;
      return false;
    }
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.#held.subarray(0, this.#length));
    this.#held = grown;
    return true;
  }
}
