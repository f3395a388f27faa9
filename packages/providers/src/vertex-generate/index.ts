/** Vertex AI's generated content (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference): the Gemini API's in other places,
 *  with the traffic type as the tier, and other numbers for the same names. */
import { AnswerReader } from '../answer-reader.ts';
import { googleErrorBody, tunedEndpoints, signVertexRequest, vertexCredential, vertexEndpoints } from '../google-api.ts';
import { VERTEX_FINISH_REASONS } from '../google-generate/enums.ts';
import { readGenerateRequest, STREAM_METHOD } from '../google-generate/read-request.ts';
import { GenerateAnswer } from '../google-generate/usage-reader.ts';
import type { Surface } from '../surface.ts';

export const vertexGenerate: Surface = {
  name: 'vertex.generate',
  provider: 'vertex',
  endpoints: [
    ...vertexEndpoints('google', 'generateContent'),
    ...vertexEndpoints('google', STREAM_METHOD),
    ...tunedEndpoints('generateContent'),
    ...tunedEndpoints(STREAM_METHOD),
  ],
  readRequest: readGenerateRequest,
  usageReader: (answer) => new AnswerReader(new GenerateAnswer(VERTEX_FINISH_REASONS), answer),
  injectionFilter: undefined,
  credentialHeaders: vertexCredential,
  sign: signVertexRequest,
  errorBody: googleErrorBody,
};
