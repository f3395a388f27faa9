/** OpenAI's usage object of speech, normalised. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { TOTAL_DIFFERS, type Normalised } from '../normalised.ts';

/** Text goes in and sound comes out: `output_tokens` are audio tokens (https://platform.openai.com/docs/models/gpt-4o-mini-tts, where they have the price of audio). */
export function normaliseSpeechUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const [input, output, total] = [counts.at('input_tokens'), counts.at('output_tokens'), counts.at('total_tokens')];
  if (counts.invalid || (input ?? 0) + (output ?? 0) > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (input === null && output === null) return { kind: counts.found ? 'invalid' : 'none' };
  const flags = total !== null && input !== null && output !== null && total !== input + output ? [TOTAL_DIFFERS] : [];
  const visibleOutput = output === null ? null : 0;
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, uncached_input: input, visible_output: visibleOutput, output_audio: output }, flags };
}
