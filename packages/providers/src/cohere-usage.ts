/** Cohere's billed units, normalised. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from './counts.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { type Normalised, SPLIT_UNKNOWN, UNCLASSIFIED } from './normalised.ts';

/** Members of `usage` (second version) and `meta` (first) that are kept. */
const KEPT = ['billed_units', 'tokens', 'cached_tokens', 'total_tokens'] as const;
/** Billed, and no class holds them. */
const UNITS_WITHOUT_CLASS = ['search_units', 'classifications'] as const;

/** What an answer states of its usage: `usage` or `meta`, and without the rest of it; undefined: nothing. */
export function cohereUsageIn(answer: JsonObject): JsonObject | undefined {
  const stated = isJsonObject(answer['usage']) ? answer['usage'] : answer['meta'];
  if (!isJsonObject(stated)) return undefined;
  const kept = KEPT.filter((name) => stated[name] !== undefined && stated[name] !== null);
  return kept.length === 0 ? undefined : Object.fromEntries(kept.map((name) => [name, stated[name]]));
}

/** Billed is billed: `billed_units` are what an account pays, `tokens` what the model saw, with a frame around each prompt that nobody pays for (33 against 1,452 was seen). `cached_tokens` are
 *  among `tokens`, and how many of the billed ones were cached is not told (`split_unknown`). Reasoning is inside `output_tokens`, and not told apart. `tokens` stand in where nothing was billed.
 *  A rerank is billed in searches, for which there is no class (`unclassified_units`); Voyage's, of the same shape, in `total_tokens`, all of them input
 *  (https://docs.cohere.com/docs/how-does-cohere-pricing-work, https://docs.cohere.com/reference/chat, https://docs.voyageai.com/reference/reranker-api). */
export function normaliseCohereUsage(usage: JsonObject): Normalised {
  const billed = usage['billed_units'] ?? usage['tokens'];
  if (isJsonObject(billed)) return normaliseBilled(billed);
  if (billed !== undefined) return { kind: 'invalid' };
  const counts = new Counts(usage);
  const total = counts.at('total_tokens');
  if (counts.invalid) return { kind: 'invalid' };
  if (total === null) return { kind: 'none' };
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, uncached_input: total, visible_output: 0 }, flags: [] };
}

function normaliseBilled(billed: JsonObject): Normalised {
  const counts = new Counts(billed);
  const input = counts.at('input_tokens');
  const output = counts.at('output_tokens');
  const imageTokens = counts.at('image_tokens');
  const images = counts.at('images');
  const unclassified = UNITS_WITHOUT_CLASS.some((name) => (counts.at(name) ?? 0) > 0);
  if (counts.invalid || (input ?? 0) + (output ?? 0) + (imageTokens ?? 0) > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (input === null && output === null && imageTokens === null && images === null) return { kind: 'none' };
  return {
    kind: 'usage',
    usage: { ...UNKNOWN_USAGE, uncached_input: input, input_image: imageTokens, visible_output: output, images },
    flags: unclassified ? [SPLIT_UNKNOWN, UNCLASSIFIED] : [SPLIT_UNKNOWN],
  };
}
