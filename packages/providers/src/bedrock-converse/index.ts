/** Amazon Bedrock's Converse and ConverseStream, for every model that holds conversations (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). */
import { AnswerReader } from '../answer-reader.ts';
import { BEDROCK_RUNTIME } from '../bedrock-runtime.ts';
import { EventStreamReader, isEventStream } from '../event-stream-reader.ts';
import type { Surface } from '../surface.ts';
import { readConverseRequest } from './read-request.ts';
import { ConverseAnswer } from './usage-reader.ts';

export const bedrockConverse: Surface = {
  ...BEDROCK_RUNTIME,
  name: 'bedrock.converse',
  endpoints: [
    { method: 'POST', path: '/model/{model}/converse' },
    { method: 'POST', path: '/model/{model}/converse-stream' },
  ],
  readRequest: readConverseRequest,
  usageReader(answer) {
    const fold = new ConverseAnswer(answer);
    return isEventStream(answer) ? new EventStreamReader(fold, answer) : new AnswerReader(fold, answer);
  },
};
