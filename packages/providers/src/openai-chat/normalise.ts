/** OpenAI's usage object of a chat completion, normalised into classes that never overlap. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, TOTAL_DIFFERS, type Normalised } from '../normalised.ts';

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

/** OpenAI's rule is inclusion: `prompt_tokens` holds cached, cache-written, audio and image tokens; `completion_tokens` holds reasoning, audio, and accepted and rejected prediction tokens, all
 *  billed as output (`CompletionUsage` in the API reference: rejected ones "are still counted in the total completion tokens for purposes of billing"). So each part is taken out of its total and
 *  what is left is `uncached_input` and `visible_output`. A detail that is absent is unknown, not 0: older models report totals alone (`split_unknown`).
 *  Cached tokens may be text, audio or images, and the object does not say which: text is taken to be cached first, then audio (`cached_audio`), then images (`split_unknown`).
 *  Cache writes have one lifetime here; they stand in `cache_write_5m`. */
export function normaliseChatUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const prompt = counts.at('prompt_tokens');
  const completion = counts.at('completion_tokens');
  const total = counts.at('total_tokens');
  const flags = new Set<string>();
  const input = inputClasses(prompt, counts, flags);
  const output = outputClasses(completion, counts, flags);
  if (counts.invalid || (prompt ?? 0) + (completion ?? 0) > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (prompt === null && completion === null) return { kind: counts.found ? 'invalid' : 'none' };
  if (total !== null && prompt !== null && completion !== null && total !== prompt + completion) flags.add(TOTAL_DIFFERS);
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...input, ...output }, flags: [...flags] };
}

function inputClasses(prompt: number | null, counts: Counts, flags: Set<string>): InputClasses {
  const cached = counts.in('prompt_tokens_details', 'cached_tokens');
  const written = counts.in('prompt_tokens_details', 'cache_write_tokens');
  const audio = counts.in('prompt_tokens_details', 'audio_tokens');
  const image = counts.in('prompt_tokens_details', 'image_tokens');
  if (prompt === null) return UNKNOWN_INPUT;
  if (cached === null) flags.add(SPLIT_UNKNOWN);

  const excess = (cached ?? 0) + (written ?? 0) + (audio ?? 0) + (image ?? 0) - prompt;
  const cachedAudio = Math.min(Math.max(excess, 0), audio ?? 0, cached ?? 0);
  const cachedImage = Math.min(Math.max(excess - cachedAudio, 0), image ?? 0, (cached ?? 0) - cachedAudio);
  if (excess > cachedAudio + cachedImage) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    return { ...UNKNOWN_INPUT, uncached_input: prompt };
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

function outputClasses(completion: number | null, counts: Counts, flags: Set<string>): OutputClasses {
  const reasoning = counts.in('completion_tokens_details', 'reasoning_tokens');
  const audio = counts.in('completion_tokens_details', 'audio_tokens');
  const image = counts.in('completion_tokens_details', 'image_tokens');
  if (completion === null) return UNKNOWN_OUTPUT;
  if (reasoning === null) flags.add(SPLIT_UNKNOWN);

  const visible = completion - (reasoning ?? 0) - (audio ?? 0) - (image ?? 0);
  if (visible < 0) {
    flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
    return { ...UNKNOWN_OUTPUT, visible_output: completion };
  }
  return { visible_output: visible, reasoning, output_audio: audio, output_image: image };
}
