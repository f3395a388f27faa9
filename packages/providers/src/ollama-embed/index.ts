/** Ollama's embeddings (https://docs.ollama.com/api/embed), and their predecessor, which counts nothing. */
import { AnswerReader } from '../answer-reader.ts';
import { OllamaAnswer } from '../ollama-answer.ts';
import { ollamaCredentialHeaders, ollamaErrorBody, readOllamaRequest } from '../ollama-api.ts';
import type { Surface } from '../surface.ts';

export const ollamaEmbed: Surface = {
  name: 'ollama.embed',
  provider: 'ollama',
  endpoints: [
    { method: 'POST', path: '/api/embed' },
    { method: 'POST', path: '/api/embeddings' },
  ],
  readRequest: (body) => readOllamaRequest(body, () => ({ streamed: false })),
  usageReader: (answer) => new AnswerReader(new OllamaAnswer(true), answer),
  injectionFilter: undefined,
  credentialHeaders: ollamaCredentialHeaders,
  errorBody: ollamaErrorBody,
};
