/** OpenAI's usage object of speech, normalised. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import type { Normalised } from '../normalised.ts';
import { normalisedWith, readTotals } from '../totals.ts';

/** Text goes in and sound comes out: `output_tokens` are audio tokens (https://platform.openai.com/docs/models/gpt-4o-mini-tts, where they have the price of audio). */
export function normaliseSpeechUsage(usage: JsonObject): Normalised {
  const counts = new Counts(usage);
  const totals = readTotals(counts, 'input_tokens', 'output_tokens');
  const visibleOutput = totals.output === null ? null : 0;
  const classes = { uncached_input: totals.input, visible_output: visibleOutput, output_audio: totals.output };
  return normalisedWith(totals, counts, { ...UNKNOWN_USAGE, ...classes }, new Set());
}
