/** Token counts that Bedrock itself states of an invocation, whatever the model says: in headers, or in the last chunk of a stream. */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import type { JsonObject } from '../json-object.ts';
import { SPLIT_UNKNOWN, type Normalised } from '../normalised.ts';

/** The member of a stream's last chunk that holds them. */
export const METRICS = 'amazon-bedrock-invocationMetrics';

const COUNT_HEADERS = {
  inputTokenCount: 'x-amzn-bedrock-input-token-count',
  outputTokenCount: 'x-amzn-bedrock-output-token-count',
  cacheReadInputTokenCount: 'x-amzn-bedrock-cache-read-input-token-count',
  cacheWriteInputTokenCount: 'x-amzn-bedrock-cache-write-input-token-count',
} as const;

export interface StatedCounts {
  /** As it came, under the names that it came with. */
  readonly raw: JsonObject;
  readonly normalised: Normalised;
}

/** Null when there are none. */
export function countsInHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): StatedCounts | null {
  const raw: Record<string, unknown> = {};
  const counts: Record<string, unknown> = {};
  for (const [count, header] of Object.entries(COUNT_HEADERS)) {
    const value = headers[header];
    if (value === undefined) continue;
    raw[header] = value;
    counts[count] = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
  }
  const normalised = normaliseStatedCounts(counts);
  return normalised.kind === 'none' ? null : { raw, normalised };
}

export function countsInMetrics(metrics: JsonObject): StatedCounts {
  return { raw: { [METRICS]: metrics }, normalised: normaliseStatedCounts(metrics) };
}

/** As in Bedrock's own usage objects, what a cache gave or took stands beside the input. What is absent is unknown: not every model is told to have none. Writes have the usual lifetime
 *  unless the model says more; nothing tells the share of reasoning (`split_unknown`). */
function normaliseStatedCounts(stated: JsonObject): Normalised {
  const counts = new Counts(stated);
  const input = counts.at('inputTokenCount');
  const output = counts.at('outputTokenCount');
  const read = counts.at('cacheReadInputTokenCount');
  const written = counts.at('cacheWriteInputTokenCount');
  if (counts.invalid || !Number.isSafeInteger((input ?? 0) + (output ?? 0) + (read ?? 0) + (written ?? 0))) return { kind: 'invalid' };
  if (input === null && output === null) return { kind: counts.found ? 'invalid' : 'none' };
  const classes = { uncached_input: input, cache_read: read, cache_write_5m: written, visible_output: output };
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...classes }, flags: [SPLIT_UNKNOWN] };
}

const DIGITS = /^\d{1,16}$/;
