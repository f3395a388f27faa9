/** The Gemini API's generated content (https://ai.google.dev/api/generate-content), whole, as server-sent events, or as a JSON array that grows. */
import { AnswerReader } from '../answer-reader.ts';
import { geminiCredential, geminiEndpoints, googleErrorBody } from '../google-api.ts';
import type { Surface } from '../surface.ts';
import { GEMINI_FINISH_REASONS } from './enums.ts';
import { readGenerateRequest, STREAM_METHOD } from './read-request.ts';
import { GenerateAnswer } from './usage-reader.ts';

export const googleGenerate: Surface = {
  name: 'google.generate',
  provider: 'google',
  endpoints: [...geminiEndpoints('generateContent'), ...geminiEndpoints(STREAM_METHOD)],
  readRequest: readGenerateRequest,
  usageReader: (answer) => new AnswerReader(new GenerateAnswer(GEMINI_FINISH_REASONS), answer),
  injectionFilter: undefined,
  credentialHeaders: geminiCredential,
  errorBody: googleErrorBody,
};
