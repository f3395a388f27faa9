/** OpenAI's usage object of a chat completion, normalised into classes that never overlap. */
import { normaliseInclusiveUsage } from '../inclusive-usage.ts';
import type { JsonObject } from '../json-object.ts';
import type { Normalised } from '../normalised.ts';

const NAMES = {
  input: 'prompt_tokens',
  inputDetails: 'prompt_tokens_details',
  output: 'completion_tokens',
  outputDetails: 'completion_tokens_details',
} as const;

/** OpenAI's rule is inclusion: `prompt_tokens` holds cached, cache-written, audio and image tokens; `completion_tokens` holds reasoning, audio, and accepted and rejected prediction tokens, all
 *  billed as output (`CompletionUsage` in the API reference: rejected ones "are still counted in the total completion tokens for purposes of billing"). Older models report totals alone (`split_unknown`). */
export function normaliseChatUsage(usage: JsonObject): Normalised {
  return normaliseInclusiveUsage(usage, NAMES);
}
