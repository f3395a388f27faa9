/** What an answer of Vertex AI's `predict` says of its usage, which has no object of its own. */
import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import { Counts } from '../counts.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import type { Normalised } from '../normalised.ts';

export interface PredictedUsage {
  readonly normalised: Normalised;
  /** What of the answer states it. */
  readonly raw: unknown;
}

/** Embeddings of text state the tokens of each instance (`embeddings.statistics.token_count`) and the characters that older models are billed by
 *  (`metadata.billableCharacterCount`); vectors are no tokens, so that their output is 0. Images are sold by number: those that are there are counted. Other models state nothing.
 *  Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api and …/imagen-api. */
export function predictedUsage(answer: JsonObject): PredictedUsage {
  const { predictions: list, metadata } = answer as { readonly predictions?: unknown; readonly metadata?: unknown };
  const predictions: readonly JsonObject[] = Array.isArray(list) ? list.filter(isJsonObject) : [];
  const statistics = predictions.map(statisticsOf).filter((each) => each !== undefined);
  const images = predictions.filter(({ bytesBase64Encoded, gcsUri }) => isText(bytesBase64Encoded) || isText(gcsUri)).length;
  if (statistics.length === 0) {
    if (images === 0) return { normalised: { kind: 'none' }, raw: null };
    return { normalised: known({ images }), raw: { images } };
  }
  const raw = { statistics, ...(metadata === undefined ? {} : { metadata }) };
  const stated = new Counts(isJsonObject(metadata) ? metadata : {});
  const characters = stated.at('billableCharacterCount');
  let tokens = 0;
  let invalid = stated.invalid;
  for (const each of statistics) {
    const counts = new Counts(each);
    const count = counts.at('token_count');
    invalid ||= count === null;
    tokens += count ?? 0;
  }
  if (invalid || !Number.isSafeInteger(tokens)) return { normalised: { kind: 'invalid' }, raw };
  return { normalised: known({ uncached_input: tokens, visible_output: 0, characters }), raw };
}

function statisticsOf({ embeddings }: JsonObject): JsonObject | undefined {
  const { statistics } = isJsonObject(embeddings) ? (embeddings as { readonly statistics?: unknown }) : {};
  return isJsonObject(statistics) ? statistics : undefined;
}

function known(usage: Partial<Usage>): Normalised {
  return { kind: 'usage', usage: { ...UNKNOWN_USAGE, ...usage }, flags: [] };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
