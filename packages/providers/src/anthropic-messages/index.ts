/** Anthropic's messages (https://docs.anthropic.com/en/api/messages). */
import { AnswerReader } from '../answer-reader.ts';
import type { Surface } from '../surface.ts';
import { readMessageRequest } from './read-request.ts';
import { MessageAnswer } from './usage-reader.ts';

export const anthropicMessages: Surface = {
  name: 'anthropic.messages',
  provider: 'anthropic',
  endpoints: [{ method: 'POST', path: '/v1/messages', tail: '/messages' }],
  readRequest: readMessageRequest,
  usageReader: (answer) => new AnswerReader(new MessageAnswer(), answer),
  injectionFilter: undefined,
  credentialHeaders: (secret) => ({ 'x-api-key': secret }),
  errorBody: anthropicErrorBody,
};

/** The shape has no place for a code, so that it ends the message. */
export function anthropicErrorBody({ status, code, message, requestId }: Parameters<Surface['errorBody']>[0]): string {
  return JSON.stringify({ type: 'error', error: { type: errorType(status), message: `${message} (${code})` }, request_id: requestId });
}

/** Anthropic's own types (https://docs.anthropic.com/en/api/errors). */
function errorType(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 504:
      return 'timeout_error';
    case 529:
      return 'overloaded_error';
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error';
  }
}
