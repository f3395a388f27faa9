/** The usage object of embeddings, normalised. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { TOTAL_DIFFERS, type Normalised } from '../normalised.ts';

/** Embeddings have input alone, which nothing caches: output is 0 by their nature, and Mistral and vLLM say so (`completion_tokens: 0`). OpenAI states `prompt_tokens` and the same as `total_tokens`
 *  (https://platform.openai.com/docs/api-reference/embeddings/create), Voyage the total alone (https://docs.voyageai.com/reference/embeddings-api). */
export function normaliseEmbeddingUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const total = counts.at('total_tokens');
  const input = counts.at('prompt_tokens') ?? total;
  const output = counts.at('completion_tokens') ?? 0;
  if (counts.invalid || (input ?? 0) + output > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (input === null) return { kind: counts.found ? 'invalid' : 'none' };
  const flags = total !== null && total !== input + output ? [TOTAL_DIFFERS] : [];
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, uncached_input: input, visible_output: output }, flags };
}
