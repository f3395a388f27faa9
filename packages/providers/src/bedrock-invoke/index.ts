/** Amazon Bedrock's InvokeModel and InvokeModelWithResponseStream, with bodies as each model has them (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html). */
import { AnswerReader } from '../answer-reader.ts';
import { BEDROCK_RUNTIME } from '../bedrock-runtime.ts';
import { EventStreamReader, isEventStream } from '../event-stream-reader.ts';
import type { Surface } from '../surface.ts';
import { readInvokeRequest } from './read-request.ts';
import { InvokeAnswer } from './usage-reader.ts';

export const bedrockInvoke: Surface = {
  ...BEDROCK_RUNTIME,
  name: 'bedrock.invoke',
  endpoints: [
    { method: 'POST', path: '/model/{model}/invoke' },
    { method: 'POST', path: '/model/{model}/invoke-with-response-stream' },
  ],
  readRequest: readInvokeRequest,
  usageReader(answer) {
    const fold = new InvokeAnswer(answer);
    return isEventStream(answer) ? new EventStreamReader(fold, answer) : new AnswerReader(fold, answer);
  },
};
