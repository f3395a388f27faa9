/** Ollama's completion of a prompt (https://docs.ollama.com/api/generate). */
import { AnswerReader } from '../answer-reader.ts';
import { OllamaAnswer } from '../ollama-answer.ts';
import { holdsImages, ollamaCredentialHeaders, ollamaErrorBody, readOllamaRequest } from '../ollama-api.ts';
import type { Surface } from '../surface.ts';

export const ollamaGenerate: Surface = {
  name: 'ollama.generate',
  provider: 'ollama',
  endpoints: [{ method: 'POST', path: '/api/generate' }],
  readRequest: (body) => readOllamaRequest(body, (request) => ({ holdsMedia: holdsImages(request) })),
  usageReader: (answer) => new AnswerReader(new OllamaAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: ollamaCredentialHeaders,
  errorBody: ollamaErrorBody,
};
