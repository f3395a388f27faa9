/** The usage object of embeddings, normalised. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import type { Normalised } from '../normalised.ts';
import { normalisedWith, readTotals } from '../totals.ts';

/** Embeddings have input alone, which nothing caches: output is 0 by their nature, and Mistral and vLLM say so (`completion_tokens: 0`). OpenAI states `prompt_tokens` and the same as `total_tokens`
 *  (https://platform.openai.com/docs/api-reference/embeddings/create), Voyage the total alone (https://docs.voyageai.com/reference/embeddings-api). */
export function normaliseEmbeddingUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const stated = readTotals(counts, 'prompt_tokens', 'completion_tokens');
  const input = stated.input ?? stated.both;
  const output = input === null ? stated.output : (stated.output ?? 0);
  return normalisedWith(
    { ...stated, input, output },
    counts,
    { ...UNKNOWN_USAGE, uncached_input: input, visible_output: output },
    new Set(),
  );
}
