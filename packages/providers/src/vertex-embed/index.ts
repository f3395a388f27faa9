/** Vertex AI's embeddings by `embedContent` (https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings): the Gemini API's in other places. */
import { AnswerReader } from '../answer-reader.ts';
import { googleErrorBody, signVertexRequest, vertexCredential, vertexEndpoints } from '../google-api.ts';
import { readEmbedRequest } from '../google-embed/read-request.ts';
import { EmbedAnswer } from '../google-embed/usage-reader.ts';
import type { Surface } from '../surface.ts';

export const vertexEmbed: Surface = {
  name: 'vertex.embed',
  provider: 'vertex',
  endpoints: vertexEndpoints('google', 'embedContent'),
  readRequest: readEmbedRequest,
  usageReader: (answer) => new AnswerReader(new EmbedAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: vertexCredential,
  sign: signVertexRequest,
  errorBody: googleErrorBody,
};
