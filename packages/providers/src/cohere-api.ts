/** What all of Cohere's surfaces share: credential, shape of errors, and requests that may name no model (https://docs.cohere.com/reference/about). */
import type { Rejected } from '@tokenledger/domain';
import type { JsonObject } from './json-object.ts';
import { readRequestBody } from './request-body.ts';
import type { Surface, RequestFacts } from './surface.ts';

export const cohereCredentialHeaders: Surface['credentialHeaders'] = (secret) => ({ authorization: `Bearer ${secret}` });

/** Cohere's errors are a `message`; the code stands beside it. */
export const cohereErrorBody: Surface['errorBody'] = ({ code, message, requestId }) => JSON.stringify({ id: requestId, message, code });

/** The first version of the API has a model of its own for a request that names none; its answer does not say which. */
export function readCohereRequest(body: Buffer, read: (request: JsonObject) => Partial<RequestFacts>): RequestFacts | Rejected {
  const request = readRequestBody(body, { modelOptional: true });
  if (request.kind === 'rejected') return request;
  const { model, streamed } = request;
  return { kind: 'request', model, streamed, injectedBody: undefined, holdsMedia: false, lastToolText: '', ...read(request.object) };
}
