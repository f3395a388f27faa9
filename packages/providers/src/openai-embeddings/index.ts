/** OpenAI's embeddings (https://platform.openai.com/docs/api-reference/embeddings), as Mistral, Voyage and vLLM speak them too. */
import { AnswerReader } from '../answer-reader.ts';
import { EventAnswer, eventAnswerShape } from '../event-answer.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import { readRequestBody } from '../request-body.ts';
import type { Surface } from '../surface.ts';
import { normaliseEmbeddingUsage } from './normalise.ts';

const ANSWER = eventAnswerShape({
  endTypes: [],
  totals: ['prompt_tokens', 'total_tokens'],
  normalise: normaliseEmbeddingUsage,
  bodyIsData: true,
});

export const openaiEmbeddings: Surface = {
  name: 'openai.embeddings',
  provider: 'openai',
  endpoints: openaiEndpoints('/embeddings'),
  readRequest: (body, options) => {
    const request = readRequestBody(body, { pathModel: options.path?.['deployment'] });
    if (request.kind === 'rejected') return request;
    return { kind: 'request', model: request.model, streamed: false, injectedBody: undefined, holdsMedia: false, lastToolText: '' };
  },
  usageReader: (answer) => new AnswerReader(new EventAnswer(ANSWER), answer),
  injectionFilter: undefined,
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
