/** Usage of a transcription, normalised: tokens, or the seconds that were listened to. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, TOTAL_DIFFERS, type Normalised } from '../normalised.ts';

/** OpenAI bills some models by duration (`type: duration`, `seconds`, tokens unknown) and the others by tokens, by inclusion: `input_tokens` holds the `audio_tokens` and `text_tokens` of
 *  `input_token_details`, whose absence leaves the split unknown (https://platform.openai.com/docs/api-reference/audio/json-object). Nothing is cached. */
export function normaliseTranscriptionUsage(usage: JsonObject): Normalised {
  const { seconds } = usage as { readonly seconds?: unknown };
  if (seconds === undefined || seconds === null) return normaliseTokens(usage);
  const audioSeconds = wholeSeconds(seconds);
  return audioSeconds === undefined
    ? { kind: 'invalid' }
    : { kind: 'usage', usage: { ...UNKNOWN_USAGE, audio_seconds: audioSeconds }, flags: [] };
}

function normaliseTokens(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const [input, output, total] = [counts.at('input_tokens'), counts.at('output_tokens'), counts.at('total_tokens')];
  const audio = counts.in('input_token_details', 'audio_tokens');
  if (counts.invalid || (input ?? 0) + (output ?? 0) > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (input === null && output === null) return { kind: counts.found ? 'invalid' : 'none' };
  const flags = new Set<string>();
  if (total !== null && input !== null && output !== null && total !== input + output) flags.add(TOTAL_DIFFERS);
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...inputClasses(input, audio, flags), visible_output: output }, flags: [...flags] };
}

function inputClasses(total: number | null, audio: number | null, flags: Set<string>): Pick<Usage, 'uncached_input' | 'input_audio'> {
  if (total === null) return { uncached_input: null, input_audio: null };
  if (audio !== null && audio <= total) return { uncached_input: total - audio, input_audio: audio };
  flags.add(SPLIT_UNKNOWN);
  if (audio !== null) flags.add(CONTRADICTORY);
  return { uncached_input: total, input_audio: null };
}

/** A duration may have a fraction; it is billed "rounded to the nearest second" (https://openai.com/api/pricing). Undefined: it is none. */
function wholeSeconds(seconds: unknown): number | undefined {
  if (typeof seconds !== 'number' || !(seconds >= 0)) return undefined;
  const whole = Math.round(seconds);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
