/** Handing in one of OpenAI's batches (https://platform.openai.com/docs/api-reference/batch/create). The call has no usage: each line of the results has,
 *  at the prices of batches, and is counted when they are read. */
import { readSubmission, submissionReader } from '../identified/submission.ts';
import { openaiCredentialHeaders, openaiErrorBody } from '../openai-api.ts';
import type { Surface } from '../surface.ts';
import { unixSeconds } from '../unix-seconds.ts';

export const openaiBatches: Surface = {
  name: 'openai.batches',
  provider: 'openai',
  endpoints: [
    { method: 'POST', path: '/v1/batches', tail: '/batches' },
    { method: 'POST', path: '/openai/batches' },
    { method: 'POST', path: '/openai/v1/batches' },
  ],
  readRequest: (body) => readSubmission(body, () => ''),
  usageReader: ({ httpStatus }) => submissionReader(httpStatus, (batch) => unixSeconds(batch['created_at'])),
  injectionFilter: undefined,
  credentialHeaders: openaiCredentialHeaders,
  errorBody: openaiErrorBody,
};
