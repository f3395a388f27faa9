/** What every surface reads of a request: a JSON object that names a model. */
import { rejected, type Rejected } from '@tokenledger/domain';
import { isJsonObject, parseJson, type JsonObject } from './json-object.ts';
import { withoutLongStrings } from './long-strings.ts';
import { withoutTrailingCommas } from './trailing-commas.ts';

export const MODEL_CHARS_MAX = 256;

export interface RequestBody {
  readonly kind: 'body';
  readonly object: JsonObject;
  readonly model: string;
  readonly streamed: boolean;
}

export interface RequestBodyOptions {
  /** The model that the path names: used where the body names none. */
  readonly pathModel?: string | undefined;
  /** Whether the provider serves a request that names no model; that one has the model `''`. */
  readonly modelOptional?: boolean;
}

/** Parses the body once. Rejects `REQUEST_INVALID`. */
export function readRequestBody(body: Buffer, { pathModel = '', modelOptional = false }: RequestBodyOptions = {}): RequestBody | Rejected {
  const text = withoutLongStrings(body).toString('utf8');
  const object = parseJson(text) ?? parseJson(withoutTrailingCommas(text));
  if (!isJsonObject(object)) return rejected('REQUEST_INVALID', 'the request body must be a JSON object');
  const named = object['model'];
  const model = named === undefined || named === null || named === '' ? pathModel : named;
  if (typeof model !== 'string' || (model === '' && !modelOptional)) {
    return rejected('REQUEST_INVALID', 'the request body must name a `model`');
  }
  if (model.length > MODEL_CHARS_MAX) return rejected('REQUEST_INVALID', `\`model\` must have at most ${MODEL_CHARS_MAX} characters`);
  return { kind: 'body', object, model: model.toWellFormed(), streamed: object['stream'] === true };
}
