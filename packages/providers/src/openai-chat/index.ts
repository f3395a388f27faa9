/** OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat). */
import { AnswerReader } from '../answer-reader.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import type { Surface } from '../surface.ts';
import { InjectedUsageFilter } from './injection-filter.ts';
import { readChatRequest } from './read-request.ts';
import { ChatAnswer } from './usage-reader.ts';

export const openaiChat: Surface = {
  name: 'openai.chat',
  provider: 'openai',
  endpoints: openaiEndpoints('/chat/completions'),
  readRequest: readChatRequest,
  usageReader: (answer) => new AnswerReader(new ChatAnswer(answer.provider), answer),
  injectionFilter: () => new InjectedUsageFilter(),
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
