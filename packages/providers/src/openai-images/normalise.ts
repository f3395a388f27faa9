/** OpenAI's usage object of images, normalised into classes that never overlap. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import { inclusiveInput } from '../inclusive-usage.ts';
import type { JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, type Normalised } from '../normalised.ts';
import { normalisedWith, readTotals } from '../totals.ts';

/** Inclusion: `input_tokens` holds text, images and what was cached of them. `output_tokens` is "the number of image tokens in the output image"
 *  (https://platform.openai.com/docs/api-reference/images/create); models that also write text split it in `output_tokens_details`. */
export function normaliseImageUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const totals = readTotals(counts, 'input_tokens', 'output_tokens');
  const flags = new Set<string>();
  const input = inclusiveInput(totals.input, 'input_tokens_details', counts, flags);
  const output = outputClasses(totals.output, counts, flags);
  return normalisedWith(totals, counts, { ...UNKNOWN_USAGE, ...input, ...output }, flags);
}

/** Models that are sold by the image state no tokens (`dall-e-2`, `dall-e-3`): their answer shows how many there are. Where tokens are stated, these are what is billed, and `images` stays unknown. */
export function shownImages(answer: JsonObject): Usage | undefined {
  const data = answer['data'];
  return Array.isArray(data) && data.length > 0 ? { ...UNKNOWN_USAGE, images: data.length } : undefined;
}

function outputClasses(total: number | null, counts: Counts, flags: Set<string>): Pick<Usage, 'visible_output' | 'output_image'> {
  const text = counts.in('output_tokens_details', 'text_tokens');
  const image = counts.in('output_tokens_details', 'image_tokens');
  if (total === null) return { visible_output: null, output_image: null };
  const images = image ?? total - (text ?? 0);
  if (images < 0 || images > total) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    return { visible_output: total, output_image: null };
  }
  return { visible_output: total - images, output_image: images };
}
