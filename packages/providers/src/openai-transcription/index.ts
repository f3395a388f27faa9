/** OpenAI's transcription and translation of sound (https://platform.openai.com/docs/api-reference/audio). Requests are forms; answers are JSON, events, or bare text and subtitles, which state nothing. */
import { AnswerReader } from '../answer-reader.ts';
import { EventAnswer, eventAnswerShape } from '../event-answer.ts';
import { readFormRequest } from '../form-request.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import type { Surface } from '../surface.ts';
import { mayStateUsage, UnreadAnswer } from '../unread-answer.ts';
import { normaliseMistralTranscriptionUsage, normaliseTranscriptionUsage } from './normalise.ts';

const ANSWER = eventAnswerShape({
  endTypes: ['transcript.text.done'],
  totals: ['input_tokens', 'output_tokens', 'seconds'],
  normalise: normaliseTranscriptionUsage,
  bodyIsData: false,
});
const MISTRAL_ANSWER = eventAnswerShape({
  endTypes: ['transcription.done'],
  totals: ['prompt_tokens', 'completion_tokens', 'prompt_audio_seconds'],
  normalise: normaliseMistralTranscriptionUsage,
  bodyIsData: false,
});

export const openaiTranscription: Surface = {
  name: 'openai.transcription',
  provider: 'openai',
  endpoints: [...openaiEndpoints('/audio/transcriptions'), ...openaiEndpoints('/audio/translations')],
  readRequest: (body, options) => readFormRequest(body, options, true),
  usageReader: (answer) => {
    if (!mayStateUsage(answer)) return new UnreadAnswer(answer, true);
    return new AnswerReader(new EventAnswer(answer.provider === 'mistral' ? MISTRAL_ANSWER : ANSWER), answer);
  },
  injectionFilter: undefined,
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
