/** What all of Google's surfaces share: how a model stands in the path, how the credential travels, what an error looks like. */
import { rejected, type Rejected } from '@tokenledger/domain';
import { isJsonObject, parseJson, textAt, type JsonObject } from './json-object.ts';
import { MODEL_CHARS_MAX } from './request-body.ts';
import { isServiceAccount, ServiceAccountTokens } from './service-account.ts';
import type { Endpoint, ReadRequestOptions, Surface } from './surface.ts';

/** Ways to one method (`generateContent`) of the Gemini API, in both of its versions, for Google's models and for tuned ones. */
export function geminiEndpoints(method: string): readonly [Endpoint, ...Endpoint[]] {
  return [
    { method: 'POST', path: `/v1beta/models/{model}:${method}`, tail: `/models/{model}:${method}` },
    { method: 'POST', path: `/v1/models/{model}:${method}`, tail: `/models/{model}:${method}` },
    { method: 'POST', path: `/v1beta/tunedModels/{model}:${method}`, tail: `/tunedModels/{model}:${method}` },
  ];
}

const LOCATED = '/projects/{project}/locations/{region}';

/** Ways to one method of a publisher's models on Vertex AI: in a project and a location, or without them where a key of the express mode names the project
 *  (https://cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview). */
export function vertexEndpoints(publisher: string, method: string): readonly [Endpoint, ...Endpoint[]] {
  const tail = `/publishers/${publisher}/models/{model}:${method}`;
  return [
    { method: 'POST', path: `/v1${LOCATED}${tail}`, tail },
    { method: 'POST', path: `/v1beta1${LOCATED}${tail}`, tail },
    { method: 'POST', path: `/v1${tail}`, tail },
    { method: 'POST', path: `/v1beta1${tail}`, tail },
  ];
}

/** A tuned model has an endpoint of its own, whose number stands for the model. */
export function tunedEndpoints(method: string): readonly [Endpoint, ...Endpoint[]] {
  const tail = `/endpoints/{model}:${method}`;
  return [
    { method: 'POST', path: `/v1${LOCATED}${tail}`, tail },
    { method: 'POST', path: `/v1beta1${LOCATED}${tail}`, tail },
  ];
}

export interface GoogleRequest {
  readonly kind: 'request';
  readonly object: JsonObject;
  readonly model: string;
}

/** Parses the body once; the model stands in the path. Rejects `REQUEST_INVALID`. */
export function readGoogleRequest(body: Buffer, { path }: ReadRequestOptions): GoogleRequest | Rejected {
  const object = parseJson(body.toString('utf8'));
  if (!isJsonObject(object)) return rejected('REQUEST_INVALID', 'the request body must be a JSON object');
  const model = path?.['model'] ?? '';
  if (model === '') return rejected('REQUEST_INVALID', 'the path must name a model');
  if (model.length > MODEL_CHARS_MAX) return rejected('REQUEST_INVALID', `the model must have at most ${MODEL_CHARS_MAX} characters`);
  return { kind: 'request', object, model };
}

/** An API key travels in a header of its own (https://ai.google.dev/gemini-api/docs/api-key). */
export const geminiCredential: Surface['credentialHeaders'] = (secret) => ({ 'x-goog-api-key': secret });

/** How API keys of Google begin; access tokens begin otherwise. */
const API_KEY_STARTS = ['AIza', 'AQ.'] as const;

/** Vertex AI wants an OAuth access token (https://cloud.google.com/vertex-ai/docs/authentication); its express mode an API key. */
export const vertexCredential: Surface['credentialHeaders'] = (secret) => {
  if (isServiceAccount(secret)) return {};
  return API_KEY_STARTS.some((start) => secret.startsWith(start)) ? { 'x-goog-api-key': secret } : { authorization: `Bearer ${secret}` };
};

const tokens = new ServiceAccountTokens();

/** Access tokens end after an hour. The JSON key of a service account does not: tokens are made from it as they are needed. */
export const signVertexRequest: NonNullable<Surface['sign']> = async (secret, { nowMs }) =>
  isServiceAccount(secret) ? ['authorization', `Bearer ${tokens.tokenOf(secret, nowMs)}`] : [];

/** Google's own shape (https://cloud.google.com/apis/design/errors#http_mapping). */
export const googleErrorBody: Surface['errorBody'] = ({ status, code, message }) =>
  JSON.stringify({ error: { code: status, message: `${message} (${code})`, status: canonicalStatus(status) } });

/** Of an answer's `error` member: its canonical code, else its HTTP status. */
export function googleErrorClass(error: unknown): string {
  if (!isJsonObject(error)) return 'unknown_error';
  const { code } = error as { readonly code?: unknown };
  return textAt(error, 'status') || (typeof code === 'number' ? String(code) : 'unknown_error');
}

function canonicalStatus(status: number): string {
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'PERMISSION_DENIED';
    case 404:
      return 'NOT_FOUND';
    case 429:
      return 'RESOURCE_EXHAUSTED';
    case 503:
      return 'UNAVAILABLE';
    case 504:
      return 'DEADLINE_EXCEEDED';
    default:
      return status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT';
  }
}
