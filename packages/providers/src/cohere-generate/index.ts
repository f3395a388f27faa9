/** Cohere's generate, which came before its chat (https://docs.cohere.com/v1/reference/generate). Usage as of its chat. */
import { AnswerReader } from '../answer-reader.ts';
import { CohereAnswer } from '../cohere-answer.ts';
import { cohereCredentialHeaders, cohereErrorBody, readCohereRequest } from '../cohere-api.ts';
import type { Surface } from '../surface.ts';

export const cohereGenerate: Surface = {
  name: 'cohere.generate',
  provider: 'cohere',
  endpoints: [{ method: 'POST', path: '/v1/generate', tail: '/generate' }],
  readRequest: (body) => readCohereRequest(body, () => ({})),
  usageReader: (answer) => new AnswerReader(new CohereAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: cohereCredentialHeaders,
  errorBody: cohereErrorBody,
};
