/** The Gemini API's embeddings (https://ai.google.dev/api/embeddings), of one content or of a batch. */
import { AnswerReader } from '../answer-reader.ts';
import { geminiCredential, geminiEndpoints, googleErrorBody } from '../google-api.ts';
import type { Surface } from '../surface.ts';
import { readEmbedRequest } from './read-request.ts';
import { EmbedAnswer } from './usage-reader.ts';

export const googleEmbed: Surface = {
  name: 'google.embed',
  provider: 'google',
  endpoints: [...geminiEndpoints('embedContent'), ...geminiEndpoints('batchEmbedContents')],
  readRequest: readEmbedRequest,
  usageReader: (answer) => new AnswerReader(new EmbedAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: geminiCredential,
  errorBody: googleErrorBody,
};
