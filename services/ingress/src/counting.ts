/** Counts the tokens of exchanges beside their way, in threads. The input is counted while the provider works, the output at the end; neither the answer nor
 *  its record waits for that. An exchange whose count is still to come is recorded as answered, which is as safe, and closed with the count, at the latest
 *  when the deadline of counting has passed. */
import type { Counted, UsageEvent } from '@tokenledger/domain';
import type { Journal, JournalEntry, JournalPosition } from '@tokenledger/journal';
import { encodeUsageEvent } from '@tokenledger/schemas';
import { type CountableAnswer, type CountingStats, openTokenCounter, type RunningCount, type TokenCounter } from '@tokenledger/tokenizers';
import { type AnswerMemory, answerMemory, HeldAnswer } from './answer-memory.ts';
import type { IngressConfig } from './config.ts';

/** A request on its way to the channel that serves it. */
export interface CountedRequest {
  readonly surface: string;
  readonly provider: string;
  readonly model: string;
  /** As the client sent it. */
  readonly body: Buffer;
}

export interface Counting {
  begin(request: CountedRequest): ExchangeCount;
  readonly stats: CountingStats;
  /** Bytes of requests and answers that are kept until they are counted. */
  readonly bytesHeld: number;
  /** Resolves once nothing is being counted any more, which is within the deadline of counting after the last answer. */
  idle(): Promise<void>;
  /** Ends the threads: what they count then is `closed`. */
  close(): Promise<void>;
}

export type CountingConfig = Pick<
  IngressConfig,
  'counting_threads' | 'counting_deadline_ms' | 'counting_queue_max' | 'counting_bytes_max' | 'counting_body_bytes_max'
>;

/** `onCounted`: told how each exchange was counted, or why not. Undefined when nothing is to be counted. */
export function openCounting(config: CountingConfig, onCounted: (counted: Counted) => void): Counting | undefined {
  if (config.counting_threads === 0) return undefined;
  const counter = openTokenCounter({
    threads: config.counting_threads,
    deadlineMs: config.counting_deadline_ms,
    queueParts: config.counting_queue_max,
    queueBytes: config.counting_bytes_max,
    bodyBytes: config.counting_body_bytes_max,
  });
  return new CountingBeside(counter, config, onCounted);
}

class CountingBeside implements Counting {
  readonly #counter: TokenCounter;
  readonly #bodyBytesMax: number;
  readonly #onCounted: (counted: Counted) => void;
  readonly #memory: AnswerMemory;
  #running = 0;
  #onIdle: (() => void)[] = [];

  constructor(counter: TokenCounter, config: CountingConfig, onCounted: (counted: Counted) => void) {
    this.#counter = counter;
    this.#bodyBytesMax = config.counting_body_bytes_max;
    this.#onCounted = onCounted;
    this.#memory = answerMemory(config.counting_bytes_max);
  }

  get stats(): CountingStats {
    return this.#counter.stats;
  }

  get bytesHeld(): number {
    return this.#memory.bytes;
  }

  begin(request: CountedRequest): ExchangeCount {
    return new ExchangeCount(this, new HeldAnswer(this.#memory), this.#bodyBytesMax, request);
  }

  /** Undefined where there is no room to keep the request. */
  count({ surface, provider, model, body }: CountedRequest, held: HeldAnswer): RunningCount | undefined {
    if (!held.resize(body.length)) return undefined;
    return this.#counter.begin({ surface, provider, requestedModel: model, body });
  }

  counted(counted: Counted): void {
    this.#onCounted(counted);
  }

  /** A record waits for a count. */
  waits(): void {
    this.#running += 1;
  }

  waitsNoMore(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    for (const callback of this.#onIdle.splice(0)) callback();
  }

  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  close(): Promise<void> {
    return this.#counter.close();
  }
}

const NO_TOKENS = { inputTokens: null, outputTokens: null, tokenizer: '', method: '' } as const;
/** Of an exchange whose process ends before its count is there. */
const CUT_OFF: Counted = { ...NO_TOKENS, reason: 'closed' };
const NO_ROOM: Counted = { ...NO_TOKENS, reason: 'overload' };

/** The count of one exchange. */
export class ExchangeCount {
  readonly #counting: CountingBeside;
  readonly #held: HeldAnswer;
  readonly #bodyBytesMax: number;
  readonly #requestBytes: number;
  readonly #count: RunningCount | undefined;
  #contentType: string | null = null;
  #chunks: Buffer[] = [];
  #answerBytes = 0;
  /** Why the answer was not kept. */
  #dropped: 'too_large' | 'overload' | undefined;

  constructor(counting: CountingBeside, held: HeldAnswer, bodyBytesMax: number, request: CountedRequest) {
    this.#counting = counting;
    this.#held = held;
    this.#bodyBytesMax = bodyBytesMax;
    this.#requestBytes = request.body.length;
    this.#count = counting.count(request, held);
  }

  /** An answer begins that has content: what came of another one is forgotten. */
  begins(contentType: string): void {
    this.#contentType = contentType;
    this.#chunks = [];
    this.#answerBytes = 0;
    this.#dropped = undefined;
  }

  /** Of the answer, decoded. It must not change before it is counted. */
  keep(chunk: Buffer): void {
    if (this.#contentType === null || this.#dropped !== undefined || this.#count === undefined) return;
    this.#answerBytes += chunk.length;
    if (this.#answerBytes > this.#bodyBytesMax) this.#drop('too_large');
    else if (this.#held.resize(this.#requestBytes + this.#answerBytes)) this.#chunks.push(chunk);
    else this.#drop('overload');
  }

  /** Records the end of the exchange. `eventOf` builds its event without a count; `finished` is told of the event as it is closed. The position: where it
   *  is safe, counted or not. */
  close(record: CountedRecord): JournalPosition {
    const { journal, entry, key, servedModel, now, finished } = record;
    const answer: CountableAnswer | null =
      this.#contentType === null ? null : { servedModel, contentType: this.#contentType, chunks: this.#dropped ?? this.#chunks };
    const event = record.eventOf();
    let position: JournalPosition | undefined;
    let waits = false;
    const closeWith = (final: Counted): void => {
      this.abandon();
      this.#counting.counted(final);
      position = journal.close(entry, key, (sequence) => {
        const closed = { ...event, sequence, recordedAtMs: now(), counted: final };
        finished(closed);
        return encodeUsageEvent(closed);
      });
      if (waits) this.#counting.waitsNoMore();
    };
    if (this.#count === undefined) closeWith(NO_ROOM);
    else this.#count.end(answer, closeWith);
    if (position !== undefined) return position;
    waits = true;
    this.#counting.waits();
    return journal.answered(entry, encodeUsageEvent({ ...event, counted: CUT_OFF }));
  }

  /** Nothing is kept for it any more. */
  abandon(): void {
    this.#held.resize(0);
    this.#chunks = [];
  }

  #drop(reason: 'too_large' | 'overload'): void {
    this.#dropped = reason;
    this.#chunks = [];
    this.#held.resize(this.#requestBytes);
  }
}

/** An exchange that has ended. */
export interface CountedRecord {
  readonly journal: Pick<Journal, 'answered' | 'close'>;
  readonly entry: JournalEntry;
  readonly key: string;
  /** As the answer names it, or `''`. */
  readonly servedModel: string;
  readonly now: () => number;
  readonly eventOf: () => UsageEvent;
  readonly finished: (event: UsageEvent) => void;
}
