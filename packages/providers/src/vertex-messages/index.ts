/** Claude on Vertex AI (https://docs.anthropic.com/en/api/claude-on-vertex-ai): Anthropic's messages in Google's places. The model and its region stand in the
 *  path, the method tells whether the answer streams, bodies and their usage are Anthropic's. */
import { isRejected, type Rejected } from '@tokenledger/domain';
import { anthropicErrorBody } from '../anthropic-messages/index.ts';
import { messageFacts } from '../anthropic-messages/read-request.ts';
import { MessageAnswer } from '../anthropic-messages/usage-reader.ts';
import { AnswerReader } from '../answer-reader.ts';
import { readGoogleRequest, signVertexRequest, vertexCredential, vertexEndpoints } from '../google-api.ts';
import type { ReadRequestOptions, RequestFacts, Surface } from '../surface.ts';

const STREAM_METHOD = 'streamRawPredict';

export const vertexMessages: Surface = {
  name: 'vertex.messages',
  provider: 'vertex',
  endpoints: [...vertexEndpoints('anthropic', 'rawPredict'), ...vertexEndpoints('anthropic', STREAM_METHOD)],
  readRequest,
  usageReader: (answer) => new AnswerReader(new MessageAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: vertexCredential,
  sign: signVertexRequest,
  errorBody: anthropicErrorBody,
};

/** Either method streams what asks for it. */
function readRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readGoogleRequest(body, options);
  if (isRejected(request)) return request;
  const streamed = request.object['stream'] === true || options.endpoint?.path.endsWith(`:${STREAM_METHOD}`) === true;
  return messageFacts(request.object, request.model, streamed);
}
