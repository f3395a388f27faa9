/** OpenAI's speech (https://platform.openai.com/docs/api-reference/audio/createSpeech). The answer is sound, which states nothing; with `stream_format: sse` its last event has the usage. */
import { AnswerReader } from '../answer-reader.ts';
import { EventAnswer, eventAnswerShape } from '../event-answer.ts';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorBody } from '../openai-api.ts';
import { readRequestBody } from '../request-body.ts';
import type { Surface } from '../surface.ts';
import { mayStateUsage, UnreadAnswer } from '../unread-answer.ts';
import { normaliseSpeechUsage } from './normalise.ts';

const ANSWER = eventAnswerShape({
  endTypes: ['speech.audio.done'],
  totals: ['input_tokens', 'output_tokens'],
  normalise: normaliseSpeechUsage,
  bodyIsData: true,
});

export const openaiSpeech: Surface = {
  name: 'openai.speech',
  provider: 'openai',
  endpoints: openaiEndpoints('/audio/speech'),
  readRequest: (body, options) => {
    const request = readRequestBody(body, { pathModel: options.path?.['deployment'] });
    if (request.kind === 'rejected') return request;
    const streamed = request.object['stream_format'] === 'sse';
    return { kind: 'request', model: request.model, streamed, injectedBody: undefined, holdsMedia: false, lastToolText: '' };
  },
  usageReader: (answer) => (mayStateUsage(answer) ? new AnswerReader(new EventAnswer(ANSWER), answer) : new UnreadAnswer(answer, false)),
  injectionFilter: undefined,
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
