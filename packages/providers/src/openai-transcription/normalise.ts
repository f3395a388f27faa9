/** Usage of a transcription, normalised: tokens, or the seconds that were listened to. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, type Normalised } from '../normalised.ts';
import { normaliseChatUsage } from '../openai-chat/normalise.ts';
import { providerRule } from '../openai-chat/provider-rules.ts';
import { normalisedWith, readTotals } from '../totals.ts';

/** OpenAI bills some models by duration (`type: duration`, `seconds`, tokens unknown) and the others by tokens, by inclusion: `input_tokens` holds the `audio_tokens` and `text_tokens` of
 *  `input_token_details`, whose absence leaves the split unknown (https://platform.openai.com/docs/api-reference/audio/json-object). Nothing is cached. */
export function normaliseTranscriptionUsage(usage: JsonObject): Normalised {
  const seconds = usage['seconds'];
  return seconds === undefined || seconds === null ? normaliseTokens(usage) : normaliseSeconds(seconds);
}

/** Mistral's usage is that of its chat, tokens of sound and their seconds included; of what had no word in it the seconds alone may be stated
 *  (https://docs.mistral.ai/capabilities/audio_transcription). */
export function normaliseMistralTranscriptionUsage(usage: JsonObject): Normalised {
  const normalised = normaliseChatUsage(usage, providerRule('mistral'));
  const seconds = usage['prompt_audio_seconds'];
  return normalised.kind === 'none' && seconds !== undefined && seconds !== null ? normaliseSeconds(seconds) : normalised;
}

function normaliseSeconds(seconds: unknown): Normalised {
  const whole = wholeSeconds(seconds);
  return whole === undefined ? { kind: 'invalid' } : { kind: 'usage', usage: { ...UNKNOWN_USAGE, audio_seconds: whole }, flags: [] };
}

function normaliseTokens(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const totals = readTotals(counts, 'input_tokens', 'output_tokens');
  const audio = counts.in('input_token_details', 'audio_tokens');
  const flags = new Set<string>();
  const input = inputClasses(totals.input, audio, flags);
  return normalisedWith(totals, counts, { ...UNKNOWN_USAGE, ...input, visible_output: totals.output }, flags);
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
