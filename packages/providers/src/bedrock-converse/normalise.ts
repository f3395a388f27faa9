/** Usage of Bedrock's Converse, and of Amazon's own models wherever they are invoked, normalised into classes that never overlap. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { CONTRADICTORY, SPLIT_UNKNOWN, TOTAL_DIFFERS, type Normalised } from '../normalised.ts';

/** Bedrock's rule is exclusion on the input side: what a prompt cache gave or took stands beside `inputTokens`, not in it ("Prompt caching" in the user guide); absent, there was none. Both names
 *  of these counts occur, often side by side (`cacheReadInputTokens`, `cacheReadInputTokenCount`). `cacheDetails` splits the writes by lifetime, which is 5 minutes where nothing says otherwise.
 *  `outputTokens` includes reasoning, and nothing tells its share (`split_unknown`). `totalTokens` is the sum of input and output, of some models with and of others without the cache.
 *  Source: `TokenUsage` and `CacheDetail`, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html */
export function normaliseConverseUsage(usage: JsonObject): Normalised {
  const flags = new Set<string>();
  const counts = new Counts(usage);
  const input = counts.at('inputTokens');
  const output = counts.at('outputTokens');
  const total = counts.at('totalTokens');
  const read = counts.at('cacheReadInputTokens') ?? counts.at('cacheReadInputTokenCount') ?? 0;
  const written = counts.at('cacheWriteInputTokens') ?? counts.at('cacheWriteInputTokenCount');
  const details = writesByLifetime(usage['cacheDetails']);
  if (counts.invalid || details === 'invalid') return { kind: 'invalid' };
  if (input === null && output === null) return { kind: counts.found ? 'invalid' : 'none' };

  const writes = written ?? details.all;
  if (writes < details.all) flags.add(CONTRADICTORY);
  else if (writes > details.all && details.all > 0) flags.add(SPLIT_UNKNOWN);
  const longLived = Math.min(details.longLived, writes);
  if (output !== null) flags.add(SPLIT_UNKNOWN);
  const sum = (input ?? 0) + (output ?? 0);
  if (!Number.isSafeInteger(sum + read + writes)) return { kind: 'invalid' };
  if (total !== null && input !== null && output !== null && total !== sum && total !== sum + read + writes) flags.add(TOTAL_DIFFERS);
  // That a cache gave nothing says nothing of an input that was not stated.
  const inputUnknown = input === null && read + writes === 0;
  const classes = { uncached_input: input, cache_read: read, cache_write_5m: writes - longLived, cache_write_1h: longLived };
  const normalised = { ...UNKNOWN_USAGE, ...(inputUnknown ? {} : classes), visible_output: output };
  return { kind: 'usage', usage: normalised, flags: [...flags] };
}

interface Writes {
  readonly all: number;
  readonly longLived: number;
}

function writesByLifetime(details: unknown): Writes | 'invalid' {
  let all = 0;
  let longLived = 0;
  for (const detail of Array.isArray(details) ? details : []) {
    if (!isJsonObject(detail)) continue;
    const counts = new Counts(detail);
    const tokens = counts.at('inputTokens') ?? 0;
    if (counts.invalid) return 'invalid';
    all += tokens;
    if (detail['ttl'] === '1h') longLived += tokens;
  }
  return { all, longLived };
}
