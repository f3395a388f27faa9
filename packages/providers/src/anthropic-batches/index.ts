/** Handing in one of Anthropic's message batches (https://docs.anthropic.com/en/api/creating-message-batches). The call has no usage: each line of the results
 *  has, at the prices of batches, and is counted when they are read. */
import { anthropicMessages } from '../anthropic-messages/index.ts';
import { readSubmission, submissionReader } from '../identified/submission.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import type { Surface } from '../surface.ts';

export const anthropicBatches: Surface = {
  ...anthropicMessages,
  name: 'anthropic.batches',
  endpoints: [{ method: 'POST', path: '/v1/messages/batches', tail: '/messages/batches' }],
  readRequest: (body) => readSubmission(body, firstModel),
  usageReader: ({ httpStatus }) => submissionReader(httpStatus, createdAtMs),
};

/** Requests of one batch may name several models: the first stands for all. */
function firstModel({ requests }: JsonObject): string {
  const first: unknown = Array.isArray(requests) ? requests[0] : undefined;
  const params = isJsonObject(first) ? first['params'] : undefined;
  return isJsonObject(params) && typeof params['model'] === 'string' ? params['model'] : '';
}

/** RFC 3339. */
function createdAtMs({ created_at: text }: JsonObject): number | null {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
