/** Anthropic's usage object of a message, normalised into classes that never overlap. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { COMPACTION, CONTRADICTORY, OTHER_MODEL_USAGE, SPLIT_UNKNOWN, type Normalised } from '../normalised.ts';

type Classes = Pick<Usage, 'uncached_input' | 'cache_read' | 'cache_write_5m' | 'cache_write_1h' | 'visible_output' | 'reasoning'>;

/** Anthropic's rule is exclusion on the input side: "Total input tokens in a request is the summation of `input_tokens`, `cache_creation_input_tokens`, and `cache_read_input_tokens`"; absent cache
 *  counts mean no caching. `cache_creation` splits the writes by lifetime; without it they are of the default lifetime, 5 minutes. On the output side it is inclusion: `output_tokens` is "the inclusive,
 *  authoritative total used for billing", of which `output_tokens_details.thinking_tokens` is the reasoning; absent, the share is unknown (`split_unknown`). No `server_tool_use` means no web search.
 *  `iterations` itemises the totals, with two exceptions: a `compaction` entry's tokens "are not included in the top-level `usage` fields" and are added here (flag `compaction`); what an entry names
 *  another model for (advisor, fallback) is billed at that model's price and cannot stand in one attempt's classes (flag `other_model_usage`).
 *  Source: `Usage` and `BetaUsage` in Anthropic's API reference, and the prompt caching guide. */
export function normaliseMessageUsage(usage: JsonObject, servedModel: string): Normalised {
  const flags = new Set<string>();
  const totals = new Counts(usage);
  let classes = readClasses(totals, flags);
  const webSearches = totals.in('server_tool_use', 'web_search_requests');
  if (totals.invalid) return { kind: 'invalid' };
  if (classes.uncached_input === null && classes.visible_output === null) return { kind: totals.found ? 'invalid' : 'none' };

  const { iterations } = usage as { readonly iterations?: unknown };
  for (const iteration of Array.isArray(iterations) ? iterations : []) {
    if (!isJsonObject(iteration)) continue;
    const { type, model } = iteration as { readonly type?: unknown; readonly model?: unknown };
    if (typeof model === 'string' && model !== servedModel) flags.add(OTHER_MODEL_USAGE);
    if (type !== 'compaction') continue;
    const counts = new Counts(iteration);
    const compaction = readClasses(counts, flags);
    if (counts.invalid) return { kind: 'invalid' };
    classes = addClasses(classes, compaction);
    flags.add(COMPACTION);
  }
  const sum = Object.values(classes).reduce<number>((total, tokens) => total + (tokens ?? 0), 0);
  if (!Number.isSafeInteger(sum)) return { kind: 'invalid' };
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...classes, web_search_requests: webSearches ?? 0 }, flags: [...flags] };
}

function readClasses(counts: Counts, flags: Set<string>): Classes {
  const input = counts.at('input_tokens');
  const output = counts.at('output_tokens');
  const cacheRead = counts.at('cache_read_input_tokens') ?? 0;
  const thinking = counts.in('output_tokens_details', 'thinking_tokens');
  const writes = cacheWrites(counts, flags);
  if (output !== null && thinking === null) flags.add(SPLIT_UNKNOWN);
  const split = output !== null && thinking !== null && thinking <= output;
  if (output !== null && thinking !== null && !split) flags.add(SPLIT_UNKNOWN).add(CONTRADICTORY);
  return {
    uncached_input: input,
    cache_read: cacheRead,
    ...writes,
    visible_output: split ? output - thinking : output,
    reasoning: split ? thinking : null,
  };
}

/** `cache_creation_input_tokens` is the total, cumulative in a stream, where the split may be that of the start: an excess is of the default lifetime. */
function cacheWrites(counts: Counts, flags: Set<string>): Pick<Classes, 'cache_write_5m' | 'cache_write_1h'> {
  const fiveMinutes = counts.in('cache_creation', 'ephemeral_5m_input_tokens');
  const oneHour = counts.in('cache_creation', 'ephemeral_1h_input_tokens');
  const split = (fiveMinutes ?? 0) + (oneHour ?? 0);
  const total = counts.at('cache_creation_input_tokens') ?? split;
  if (total < split) flags.add(CONTRADICTORY);
  else if (total > split && (fiveMinutes !== null || oneHour !== null)) flags.add(SPLIT_UNKNOWN);
  const longLived = Math.min(oneHour ?? 0, total);
  return { cache_write_5m: total - longLived, cache_write_1h: longLived };
}

function addClasses(left: Classes, right: Classes): Classes {
  const add = (a: number | null, b: number | null): number | null => (a === null && b === null ? null : (a ?? 0) + (b ?? 0));
  return {
    uncached_input: add(left.uncached_input, right.uncached_input),
    cache_read: add(left.cache_read, right.cache_read),
    cache_write_5m: add(left.cache_write_5m, right.cache_write_5m),
    cache_write_1h: add(left.cache_write_1h, right.cache_write_1h),
    visible_output: add(left.visible_output, right.visible_output),
    reasoning: add(left.reasoning, right.reasoning),
  };
}
