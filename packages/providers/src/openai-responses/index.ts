/** OpenAI's responses (https://platform.openai.com/docs/api-reference/responses), and their compaction. Stored and background ones are read again by `GET`: that is no request of this surface. */
import { AnswerReader } from '../answer-reader.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import type { Surface } from '../surface.ts';
import { readResponseRequest } from './read-request.ts';
import { ResponseAnswer } from './usage-reader.ts';

export const openaiResponses: Surface = {
  name: 'openai.responses',
  provider: 'openai',
  endpoints: [
    ...openaiEndpoints('/responses'),
    ...openaiEndpoints('/responses/compact'),
    // Azure's path while the API was in preview, with `api-version` in the query.
    { method: 'POST', path: '/openai/responses' },
  ],
  readRequest: readResponseRequest,
  usageReader: (answer) => new AnswerReader(new ResponseAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
