/** Ollama's counts, normalised. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from './counts.ts';
import type { JsonObject } from './json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, type Normalised } from './normalised.ts';

const KEPT = /^(?:\w+_count|\w+_duration)$/;

/** The members of an answer that count or time; undefined when none counts. */
export function ollamaUsageIn(answer: JsonObject): JsonObject | undefined {
  const kept = Object.entries(answer).filter(([name]) => KEPT.test(name));
  return kept.some(([name]) => name.endsWith('_count')) ? Object.fromEntries(kept) : undefined;
}

/** `prompt_eval_count` is the whole prompt, `prompt_eval_cached_count` (since 0.33) the part of it that was cached; `eval_count` is all output, thinking included and not told apart. Before 0.2
 *  the prompt's count was left out when its cache held all of it: then the input is unknown, and with it the usage, since half of it would pass for the whole
 *  (https://docs.ollama.com/api/usage, https://github.com/ollama/ollama/pull/5371, https://github.com/ollama/ollama/pull/17943). An embedding has no output. */
export function normaliseOllamaUsage(usage: JsonObject, embeds: boolean): Normalised {
  const counts = new Counts(usage);
  const prompt = counts.at('prompt_eval_count');
  const cached = counts.at('prompt_eval_cached_count');
  const output = counts.at('eval_count') ?? (embeds ? 0 : null);
  if (counts.invalid || (prompt ?? 0) + (output ?? 0) > Number.MAX_SAFE_INTEGER) return { kind: 'invalid' };
  if (prompt === null || output === null) return { kind: 'none' };
  const cacheRead = cached !== null && cached <= prompt ? cached : null;
  const flags = cached === cacheRead ? [SPLIT_UNKNOWN] : [SPLIT_UNKNOWN, CONTRADICTORY];
  return {
    kind: 'usage',
    usage: { ...UNKNOWN_USAGE, uncached_input: prompt - (cacheRead ?? 0), cache_read: cacheRead, visible_output: output },
    flags: embeds ? flags.filter((flag) => flag !== SPLIT_UNKNOWN) : flags,
  };
}
