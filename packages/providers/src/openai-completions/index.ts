/** OpenAI's completions (https://platform.openai.com/docs/api-reference/completions), which came before chat. Whoever still serves models by a bare prompt speaks them (vLLM, Together, Writer). Usage, its
 *  rules and its place in a stream are those of chat completions; `stream_options` too. */
import { AnswerReader } from '../answer-reader.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import { InjectedUsageFilter } from '../openai-chat/injection-filter.ts';
import type { Surface } from '../surface.ts';
import { readCompletionRequest } from './read-request.ts';
import { CompletionAnswer } from './usage-reader.ts';

export const openaiCompletions: Surface = {
  name: 'openai.completions',
  provider: 'openai',
  endpoints: openaiEndpoints('/completions'),
  readRequest: readCompletionRequest,
  usageReader: (answer) => new AnswerReader(new CompletionAnswer(answer.provider), answer),
  injectionFilter: () => new InjectedUsageFilter(),
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
