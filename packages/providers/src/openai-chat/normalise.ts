/** The usage object of a chat completion, normalised into classes that never overlap. */
import { normaliseInclusiveUsage } from '../inclusive-usage.ts';
import type { JsonObject } from '../json-object.ts';
import { type Normalised, UNCLASSIFIED } from '../normalised.ts';
import { type ProviderRule, providerRule } from './provider-rules.ts';

const NAMES = {
  input: 'prompt_tokens',
  inputDetails: 'prompt_tokens_details',
  output: 'completion_tokens',
  outputDetails: 'completion_tokens_details',
} as const;

/** OpenAI's rule is inclusion: `prompt_tokens` holds cached, cache-written, audio and image tokens; `completion_tokens` holds reasoning, audio, and accepted and rejected prediction tokens, all
 *  billed as output (`CompletionUsage` in the API reference: rejected ones "are still counted in the total completion tokens for purposes of billing"). Older models report totals alone (`split_unknown`).
 *  `rule`: of who answered, when that is not OpenAI; `model`: as the answer names it. */
export function normaliseChatUsage(usage: JsonObject, rule: ProviderRule = providerRule(''), model = ''): Normalised {
  const normalised = normaliseInclusiveUsage(rule.asOpenai(usage, model), NAMES);
  if (normalised.kind !== 'usage') return normalised;
  const units = rule.units?.(usage);
  return {
    kind: 'usage',
    usage: units === undefined ? normalised.usage : { ...normalised.usage, ...units },
    flags: statesUnclassified(usage, rule) ? [...normalised.flags, UNCLASSIFIED] : normalised.flags,
  };
}

function statesUnclassified(usage: JsonObject, { unclassified }: ProviderRule): boolean {
  return unclassified !== undefined && unclassified.some((name) => typeof usage[name] === 'number' && usage[name] !== 0);
}
