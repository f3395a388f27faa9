/** Reads a request to OpenAI's completions. */
import type { Rejected } from '@tokenledger/domain';
import { withUsageAsked } from '../openai-chat/injection.ts';
import { asksForUsage } from '../openai-chat/read-request.ts';
import { readRequestBody } from '../request-body.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';

export function readCompletionRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readRequestBody(body, { pathModel: options.path?.['deployment'] });
  if (request.kind === 'rejected') return request;
  return {
    kind: 'request',
    model: request.model,
    streamed: request.streamed,
    injectedBody: asksForUsage(request, options) ? withUsageAsked(body, request.object) : undefined,
    holdsMedia: false,
    lastToolText: '',
  };
}
