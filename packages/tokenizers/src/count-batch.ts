/** What goes to a counting thread and comes back: many parts at once, since a message between threads costs more than counting a short text; and as bytes and
 *  numbers, which cost less to pass than as many objects. */
import { type Calibration, type CountMethod, NO_COUNT_REASONS, type NoCountReason, notCounted, type PartCount } from './count.ts';
import type { CountablePart } from './count-part.ts';
import { TOKENIZER_NAMES } from './tokenizer.ts';

/** What a part is, its body apart. */
export interface PartKind {
  readonly kind: CountablePart['kind'];
  readonly surface: string;
  readonly provider: string;
  readonly model: string;
  /** Of an answer. */
  readonly contentType: string;
  readonly calibration: Calibration | undefined;
}

export interface CountBatch {
  /** Bodies, one behind the other. The thread sees the same memory: it stays as it is until the thread has answered. */
  readonly bytes: Uint8Array;
  /** The kinds that there are among the parts. */
  readonly kinds: readonly PartKind[];
  /** `PART_NUMBERS` for each part: which kind, where its body ends, its deadline on the clock of `sharedNowMs`. */
  readonly parts: Float64Array;
}

export const PART_NUMBERS = 3;

export interface CountedBatch {
  /** `COUNT_NUMBERS` for each part, in their order: what was counted, as `writeCount` puts it. */
  readonly counts: Float64Array;
  /** Processor time of the thread since the batch before, in microseconds. */
  readonly cpuUs: number;
}

export const COUNT_NUMBERS = 2;

/** Milliseconds on a clock that never steps and is the same in every thread; `performance.now()` starts anew in each. */
export function sharedNowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

const METHODS: readonly CountMethod[] = ['exact', 'calibrated', 'approximate'];
const REASONS = Object.keys(NO_COUNT_REASONS) as readonly NoCountReason[];

/** Reasons are numbers below 0. */
export function writeCount(counts: Float64Array, index: number, count: PartCount): void {
  const at = index * COUNT_NUMBERS;
  if (count.kind === 'not_counted') {
    counts[at] = -1 - REASONS.indexOf(count.reason);
    return;
  }
  counts[at] = TOKENIZER_NAMES.indexOf(count.tokenizer) * METHODS.length + METHODS.indexOf(count.method);
  counts[at + 1] = count.tokens;
}

export function readCount(counts: Float64Array, index: number): PartCount {
  const at = index * COUNT_NUMBERS;
  const word = counts[at] ?? -1;
  if (word < 0) return notCounted(REASONS[-1 - word] ?? 'count_failed');
  const tokenizer = TOKENIZER_NAMES[Math.floor(word / METHODS.length)];
  const method = METHODS[word % METHODS.length];
  if (tokenizer === undefined || method === undefined) return notCounted('count_failed');
  return { kind: 'counted', tokens: counts[at + 1] ?? 0, tokenizer, method };
}
