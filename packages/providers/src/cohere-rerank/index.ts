/** Cohere's rerank, both versions (https://docs.cohere.com/reference/rerank), and Voyage's, which has the same path (https://docs.voyageai.com/reference/reranker-api). Cohere bills searches, Voyage tokens. */
import { AnswerReader } from '../answer-reader.ts';
import { CohereAnswer } from '../cohere-answer.ts';
import { cohereCredentialHeaders, cohereErrorBody, readCohereRequest } from '../cohere-api.ts';
import type { Surface } from '../surface.ts';

export const cohereRerank: Surface = {
  name: 'cohere.rerank',
  provider: 'cohere',
  endpoints: [
    { method: 'POST', path: '/v2/rerank', tail: '/rerank' },
    { method: 'POST', path: '/v1/rerank', tail: '/rerank' },
  ],
  readRequest: (body) => readCohereRequest(body, () => ({ streamed: false })),
  usageReader: (answer) => new AnswerReader(new CohereAnswer(true), answer),
  injectionFilter: undefined,
  credentialHeaders: cohereCredentialHeaders,
  errorBody: cohereErrorBody,
};
