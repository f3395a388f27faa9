/** What a count says: so many tokens, by which tokenizer and how surely; or why there is none. */
import type { TokenizerName } from './tokenizer.ts';

/** `exact`: the model's own vocabulary, in a framing that is known. `calibrated`: scaled by what earlier counts have taught. `approximate`: everything else. */
export type CountMethod = 'exact' | 'calibrated' | 'approximate';

/** Why there is no count, each with what it means. */
export const NO_COUNT_REASONS = {
  closed: 'The process or its counter ended before the count was done.',
  count_failed: 'The thread that counted it died, or the vocabulary is not installed.',
  model_unknown: 'Neither the requested nor the served model is of a family that is known.',
  no_tokenizer: 'The vocabulary of the model is in no package, and no estimate for it is known.',
  not_json: 'The body is no JSON, or not of the shape that its surface has.',
  not_countable_encoding: 'The answer is encoded or framed in a way that is not read here.',
  not_countable_media: 'It holds images, sounds, videos or files, whose tokens do not follow from their text.',
  not_countable_server_history: 'A part of the conversation is kept by the provider.',
  not_countable_server_tools: "The provider's own tools add text that nobody else sees.",
  not_countable_surface: 'What this surface costs does not follow from text.',
  no_answer: 'There was no answer with content.',
  overload: 'It was not counted within the deadline, or too much was waiting.',
  too_large: 'The body is larger than what is counted.',
} as const;

export type NoCountReason = keyof typeof NO_COUNT_REASONS;

/** The count of one side of an exchange. */
export type PartCount =
  | { readonly kind: 'counted'; readonly tokens: number; readonly tokenizer: TokenizerName; readonly method: CountMethod }
  | { readonly kind: 'not_counted'; readonly reason: NoCountReason };

/** Factors that were learned of a family: what counts of it are multiplied by. */
export interface Calibration {
  readonly inputFactor: number;
  readonly outputFactor: number;
}

export function notCounted(reason: NoCountReason): PartCount {
  return { kind: 'not_counted', reason };
}
