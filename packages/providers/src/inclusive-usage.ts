/** Usage of a provider whose totals include their parts (OpenAI's rule), normalised into classes that never overlap. Surfaces differ in the names alone. */
import type { Usage } from '@tokenledger/domain';
import { Counts } from './counts.ts';
import type { JsonObject } from './json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, type Normalised } from './normalised.ts';
import { normalisedWith, readTotals } from './totals.ts';

/** Names of the totals, and of the objects that hold their parts. */
export interface InclusiveNames {
  readonly input: string;
  readonly inputDetails: string;
  readonly output: string;
  readonly outputDetails: string;
}

type InputClasses = Pick<
  Usage,
  'uncached_input' | 'cache_read' | 'cache_write_5m' | 'cache_write_1h' | 'input_audio' | 'cached_audio' | 'input_image'
>;
type OutputClasses = Pick<Usage, 'visible_output' | 'reasoning' | 'output_audio' | 'output_image'>;

const UNKNOWN_INPUT: InputClasses = {
  uncached_input: null,
  cache_read: null,
  cache_write_5m: null,
  cache_write_1h: null,
  input_audio: null,
  cached_audio: null,
  input_image: null,
};
const UNKNOWN_OUTPUT: OutputClasses = { visible_output: null, reasoning: null, output_audio: null, output_image: null };

/** Each part is taken out of its total and what is left is `uncached_input` and `visible_output`. A detail that is absent is unknown, not 0 (`split_unknown`).
 *  Cached tokens may be text, audio or images, and the object does not say which: text is taken to be cached first, then audio (`cached_audio`), then images (`split_unknown`).
 *  Cache writes have one lifetime here; they stand in `cache_write_5m`. */
export function normaliseInclusiveUsage(usage: JsonObject, names: InclusiveNames): Normalised {
  const counts = new Counts(usage);
  const totals = readTotals(counts, names.input, names.output);
  const flags = new Set<string>();
  const input = inclusiveInput(totals.input, names.inputDetails, counts, flags);
  const output = outputClasses(totals.output, names.outputDetails, counts, flags);
  // Member by member: for every answer this is read of, a spread of spreads costs more than all else here.
  const classes: Usage = {
    uncached_input: input.uncached_input,
    cache_read: input.cache_read,
    cache_write_5m: input.cache_write_5m,
    cache_write_1h: input.cache_write_1h,
    input_audio: input.input_audio,
    cached_audio: input.cached_audio,
    input_image: input.input_image,
    visible_output: output.visible_output,
    reasoning: output.reasoning,
    output_audio: output.output_audio,
    output_image: output.output_image,
    web_search_requests: null,
    images: null,
    audio_seconds: null,
    characters: null,
  };
  return normalisedWith(totals, counts, classes, flags);
}

/** `total` is taken apart by the object called `details`. */
export function inclusiveInput(total: number | null, details: string, counts: Counts, flags: Set<string>): InputClasses {
  const cached = counts.in(details, 'cached_tokens');
  const written = counts.in(details, 'cache_write_tokens');
  const audio = counts.in(details, 'audio_tokens');
  const image = counts.in(details, 'image_tokens');
  if (total === null) return UNKNOWN_INPUT;
  if (cached === null) flags.add(SPLIT_UNKNOWN);

  const excess = (cached ?? 0) + (written ?? 0) + (audio ?? 0) + (image ?? 0) - total;
  const cachedAudio = Math.min(Math.max(excess, 0), audio ?? 0, cached ?? 0);
  const cachedImage = Math.min(Math.max(excess - cachedAudio, 0), image ?? 0, (cached ?? 0) - cachedAudio);
  if (excess > cachedAudio + cachedImage) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    return { ...UNKNOWN_INPUT, uncached_input: total };
  }
  if ((cached ?? 0) > 0 && (audio ?? 0) + (image ?? 0) > 0) flags.add(SPLIT_UNKNOWN);
  return {
    uncached_input: Math.max(-excess, 0),
    cache_read: cached === null ? null : cached - cachedAudio,
    cache_write_5m: written,
    cache_write_1h: written === null ? null : 0,
    input_audio: audio === null ? null : audio - cachedAudio,
    cached_audio: cached === null || audio === null ? null : cachedAudio,
    input_image: image === null ? null : image - cachedImage,
  };
}

function outputClasses(total: number | null, details: string, counts: Counts, flags: Set<string>): OutputClasses {
  const reasoning = counts.in(details, 'reasoning_tokens');
  const audio = counts.in(details, 'audio_tokens');
  const image = counts.in(details, 'image_tokens');
  if (total === null) return UNKNOWN_OUTPUT;
  if (reasoning === null) flags.add(SPLIT_UNKNOWN);

  const visible = total - (reasoning ?? 0) - (audio ?? 0) - (image ?? 0);
  if (visible < 0) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    return { ...UNKNOWN_OUTPUT, visible_output: total };
  }
  return { visible_output: visible, reasoning, output_audio: audio, output_image: image };
}
