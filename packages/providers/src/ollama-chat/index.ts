/** Ollama's chat (https://docs.ollama.com/api/chat). */
import { AnswerReader } from '../answer-reader.ts';
import { isJsonObject } from '../json-object.ts';
import { OllamaAnswer } from '../ollama-answer.ts';
import { holdsImages, ollamaCredentialHeaders, ollamaErrorBody, readOllamaRequest } from '../ollama-api.ts';
import { lastToolText } from '../openai-chat/read-request.ts';
import type { Surface } from '../surface.ts';

export const ollamaChat: Surface = {
  name: 'ollama.chat',
  provider: 'ollama',
  endpoints: [{ method: 'POST', path: '/api/chat' }],
  readRequest: (body) =>
    readOllamaRequest(body, ({ messages }) => ({
      holdsMedia: Array.isArray(messages) && messages.some((message) => isJsonObject(message) && holdsImages(message)),
      lastToolText: lastToolText(messages),
    })),
  usageReader: (answer) => new AnswerReader(new OllamaAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: ollamaCredentialHeaders,
  errorBody: ollamaErrorBody,
};
