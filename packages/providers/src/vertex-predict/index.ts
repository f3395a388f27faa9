/** Vertex AI's `predict` of Google's models (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.publishers.models/predict): embeddings of text, images. */
import { isRejected, type Rejected } from '@tokenledger/domain';
import { AnswerReader } from '../answer-reader.ts';
import { googleErrorBody, readGoogleRequest, signVertexRequest, vertexCredential, vertexEndpoints } from '../google-api.ts';
import { isJsonObject } from '../json-object.ts';
import type { ReadRequestOptions, RequestFacts, Surface } from '../surface.ts';
import { PredictAnswer } from './usage-reader.ts';

export const vertexPredict: Surface = {
  name: 'vertex.predict',
  provider: 'vertex',
  endpoints: vertexEndpoints('google', 'predict'),
  readRequest,
  usageReader: (answer) => new AnswerReader(new PredictAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: vertexCredential,
  sign: signVertexRequest,
  errorBody: googleErrorBody,
};

/** Members of an instance that are no text. */
const MEDIA = ['image', 'video', 'audio', 'referenceImages'] as const;

function readRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readGoogleRequest(body, options);
  if (isRejected(request)) return request;
  const { instances } = request.object as { readonly instances?: unknown };
  const holdsMedia =
    Array.isArray(instances) && instances.some((one) => isJsonObject(one) && MEDIA.some((name) => one[name] !== undefined));
  return { kind: 'request', model: request.model, streamed: false, injectedBody: undefined, holdsMedia, lastToolText: '' };
}
