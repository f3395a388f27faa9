/** Cohere's chat, second version (https://docs.cohere.com/reference/chat) and first (https://docs.cohere.com/v1/reference/chat), whose stream is a JSON text a line, or events where they are asked for.
 *  Writer's chat has the same path and speaks as OpenAI does (https://dev.writer.com/api-reference/completion-api/chat-completion). */
import { AnswerReader } from '../answer-reader.ts';
import { CohereAnswer } from '../cohere-answer.ts';
import { cohereCredentialHeaders, cohereErrorBody } from '../cohere-api.ts';
import { openaiChat } from '../openai-chat/index.ts';
import type { Surface } from '../surface.ts';
import { readCohereChatRequest } from './read-request.ts';

const WRITER = 'writer';

export const cohereChat: Surface = {
  name: 'cohere.chat',
  provider: 'cohere',
  endpoints: [
    { method: 'POST', path: '/v2/chat', tail: '/chat' },
    { method: 'POST', path: '/v1/chat', tail: '/chat' },
  ],
  readRequest: (body, options) => (options.provider === WRITER ? openaiChat.readRequest(body, options) : readCohereChatRequest(body)),
  usageReader: (answer) => (answer.provider === WRITER ? openaiChat.usageReader(answer) : new AnswerReader(new CohereAnswer(), answer)),
  injectionFilter: openaiChat.injectionFilter,
  credentialHeaders: cohereCredentialHeaders,
  errorBody: cohereErrorBody,
};
