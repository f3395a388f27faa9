/** What goes to a counting thread and comes back: many parts at once, since a message between threads costs more than counting a short text. */
import type { Calibration, PartCount } from './count.ts';
import type { CountablePart } from './count-part.ts';

/** A part whose body is a range of the batch's bytes. */
export interface BatchedPart {
  readonly kind: CountablePart['kind'];
  readonly surface: string;
  readonly provider: string;
  readonly model: string;
  readonly contentType: string;
  readonly calibration: Calibration | undefined;
  readonly start: number;
  readonly end: number;
  /** On the clock that all threads of a process share (`sharedNowMs`). */
  readonly deadlineMs: number;
}

export interface CountBatch {
  readonly bytes: Uint8Array;
  readonly parts: readonly BatchedPart[];
}

export interface CountedBatch {
  /** In the order of the parts. */
  readonly counts: readonly PartCount[];
  /** Processor time of the thread since the batch before, in microseconds. */
  readonly cpuUs: number;
}

/** Milliseconds on a clock that never steps and is the same in every thread; `performance.now()` starts anew in each. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
