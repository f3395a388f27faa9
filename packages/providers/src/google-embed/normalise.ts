/** Google's usage metadata of embeddings, normalised into classes that never overlap. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import { modalityTokens } from '../google-generate/modalities.ts';
import type { JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, type Normalised } from '../normalised.ts';

/** `promptTokenCount` is all of the input, of whose modalities audio and images are classes of their own; vectors are no tokens, so that the output is 0. Models before `gemini-embedding-2`
 *  report nothing. Source: `EmbedContentResponse` at https://ai.google.dev/api/embeddings. */
export function normaliseEmbedUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const prompt = counts.at('promptTokenCount');
  const details = modalityTokens(usage['promptTokenDetails'] ?? usage['promptTokensDetails']);
  if (counts.invalid || details === 'invalid') return { kind: 'invalid' };
  if (prompt === null) return { kind: 'none' };
  const known = { ...UNKNOWN_USAGE, visible_output: 0 };
  const text = prompt - (details?.audio ?? 0) - (details?.image ?? 0);
  if (text < 0) return { kind: 'usage', usage: { ...known, uncached_input: prompt }, flags: [SPLIT_UNKNOWN, CONTRADICTORY] };
  const usageOfDetails = { input_audio: details?.audio ?? null, input_image: details?.image ?? null };
  return { kind: 'usage', usage: { ...known, uncached_input: text, ...usageOfDetails }, flags: [] };
}
