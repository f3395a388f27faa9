/** OpenAI's images (https://platform.openai.com/docs/api-reference/images): made, edited, varied. */
import { AnswerReader } from '../answer-reader.ts';
import { EventAnswer, eventAnswerShape } from '../event-answer.ts';
import { readFormRequest } from '../form-request.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import type { Surface } from '../surface.ts';
import { normaliseImageUsage, shownImages } from './normalise.ts';

const ANSWER = eventAnswerShape({
  endTypes: ['image_generation.completed', 'image_edit.completed'],
  totals: ['input_tokens', 'output_tokens'],
  normalise: normaliseImageUsage,
  shown: shownImages,
  bodyIsData: true,
});

export const openaiImages: Surface = {
  name: 'openai.images',
  provider: 'openai',
  endpoints: [...openaiEndpoints('/images/generations'), ...openaiEndpoints('/images/edits'), ...openaiEndpoints('/images/variations')],
  /** An edit that comes as JSON names its images by reference; of a prompt alone its bytes tell. */
  readRequest: (body, options) => readFormRequest(body, options, options.endpoint?.path.endsWith('/generations') === false),
  usageReader: (answer) => new AnswerReader(new EventAnswer(ANSWER), answer),
  injectionFilter: undefined,
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
