/** OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat). */
import { AnswerReader } from '../answer-reader.ts';
import type { Surface } from '../surface.ts';
import { InjectedUsageFilter } from './injection-filter.ts';
import { readChatRequest } from './read-request.ts';
import { ChatAnswer } from './usage-reader.ts';

export const openaiChat: Surface = {
  name: 'openai.chat',
  provider: 'openai',
  endpoints: [{ method: 'POST', path: '/v1/chat/completions', tail: '/chat/completions' }],
  readRequest: readChatRequest,
  usageReader: (answer) => new AnswerReader(new ChatAnswer(), answer),
  injectionFilter: () => new InjectedUsageFilter(),
  credentialHeaders: (secret) => ({ authorization: `Bearer ${secret}` }),
  errorBody: ({ status, code, message }) => JSON.stringify({ error: { message, type: errorType(status), param: null, code } }),
};

/** OpenAI's own types (https://platform.openai.com/docs/guides/error-codes). */
function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
