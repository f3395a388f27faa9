/** What a provider states once under a name of its own: the usage of a background response, of each line of a batch. Whoever reads it again, and wherever, reads
 *  the same, so that it is counted by that name and never by the call that read it. */
import type { ObservedAnswer, UsageReader } from '../surface.ts';

/** One result. */
export interface IdentifiedResult {
  readonly kind: 'result';
  /** What it is counted by: the provider's id of the response, of the batch, or of the file that holds the results. */
  readonly name: string;
  /** Its number there, from 1. */
  readonly sequence: number;
  /** What gave it. `batch_last_line`: no other follows. */
  readonly origin: 'background_response' | 'batch_line' | 'batch_last_line';
  /** The API that the request was written for. */
  readonly surface: string;
  /** The provider's id of the one call; `''` when it gave none. */
  readonly callId: string;
  /** When the provider made it, milliseconds since the epoch; null when it does not say. */
  readonly occurredAtMs: number | null;
  /** Null when there was no call. */
  readonly httpStatus: number | null;
  readonly answer: ObservedAnswer;
}

/** A batch as it stands: its results are counted by these names. */
export interface NamedResults {
  readonly kind: 'named';
  readonly id: string;
  readonly names: readonly string[];
}

export type ResultFact = IdentifiedResult | NamedResults;

export interface ResultReader extends UsageReader {
  /** Call it after `end`, when the answer has come to its end and could be decoded: only then the last line is known to be one. */
  whole(): void;
}

/** Prices are half of the usual in both APIs, and stand in the price book under this tier (https://platform.openai.com/docs/guides/batch,
 *  https://docs.anthropic.com/en/docs/build-with-claude/batch-processing). */
export const BATCH_TIER = 'batch';

/** An answer of which nothing is known but what is wrong with it. */
export function noAnswer(usageReason: ObservedAnswer['usageReason'], errorClass: string): ObservedAnswer {
  return {
    usage: null,
    usageReason,
    usageFlags: [],
    rawUsage: '',
    servedModel: '',
    serviceTier: BATCH_TIER,
    upstreamId: '',
    finishReason: '',
    errorClass,
    complete: true,
  };
}
