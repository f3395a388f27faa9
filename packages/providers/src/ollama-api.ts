/** What all of Ollama's surfaces share: reading a request, credential, shape of errors (https://docs.ollama.com/api). */
import type { Rejected } from '@tokenledger/domain';
import type { JsonObject } from './json-object.ts';
import { readRequestBody } from './request-body.ts';
import type { RequestFacts, Surface } from './surface.ts';

/** Ollama itself asks for no key; what stands before it, and its cloud, takes a bearer token. */
export const ollamaCredentialHeaders: Surface['credentialHeaders'] = (secret) => ({ authorization: `Bearer ${secret}` });

/** Ollama's errors are a text; the code stands beside it. */
export const ollamaErrorBody: Surface['errorBody'] = ({ code, message }) => JSON.stringify({ error: message, code });

/** An answer streams unless the request says otherwise. */
export function readOllamaRequest(body: Buffer, read: (request: JsonObject) => Partial<RequestFacts>): RequestFacts | Rejected {
  const request = readRequestBody(body);
  if (request.kind === 'rejected') return request;
  const { model, object } = request;
  const streamed = object['stream'] !== false;
  return { kind: 'request', model, streamed, injectedBody: undefined, holdsMedia: false, lastToolText: '', ...read(object) };
}

/** Images stand in a list of their own, beside the text. */
export function holdsImages(holder: JsonObject): boolean {
  return Array.isArray(holder['images']) && holder['images'].length > 0;
}
