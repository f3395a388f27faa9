/** Cohere's embed, both versions (https://docs.cohere.com/reference/embed). Billed in input tokens; pictures in tokens of their own, or by number. */
import { AnswerReader } from '../answer-reader.ts';
import { CohereAnswer } from '../cohere-answer.ts';
import { cohereCredentialHeaders, cohereErrorBody, readCohereRequest } from '../cohere-api.ts';
import type { Surface } from '../surface.ts';

export const cohereEmbed: Surface = {
  name: 'cohere.embed',
  provider: 'cohere',
  endpoints: [
    { method: 'POST', path: '/v2/embed', tail: '/embed' },
    { method: 'POST', path: '/v1/embed', tail: '/embed' },
  ],
  readRequest: (body) =>
    readCohereRequest(body, ({ images, inputs }) => ({ holdsMedia: Array.isArray(images) || Array.isArray(inputs), streamed: false })),
  usageReader: (answer) => new AnswerReader(new CohereAnswer(true), answer),
  injectionFilter: undefined,
  credentialHeaders: cohereCredentialHeaders,
  errorBody: cohereErrorBody,
};
