/** Reads a request to OpenAI's chat completions. */
import type { Rejected } from '@tokenledger/domain';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { readRequestBody, type RequestBody } from '../request-body.ts';
import { holdsMedia } from '../request-media.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';
import { lastObject, toolText } from '../tool-text.ts';
import { withUsageAsked } from './injection.ts';
import { providerRule } from './provider-rules.ts';

export function readChatRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readRequestBody(body, { pathModel: options.path?.['deployment'] });
  if (request.kind === 'rejected') return request;
  return {
    kind: 'request',
    model: request.model,
    streamed: request.streamed,
    injectedBody: asksForUsage(request, options) ? withUsageAsked(body, request.object) : undefined,
    holdsMedia: holdsMedia(request.object['messages']),
    lastToolText: lastToolText(request.object['messages']),
  };
}

export function asksForUsage(request: RequestBody, { injectUsage, provider }: ReadRequestOptions): boolean {
  return request.streamed && injectUsage && (provider === undefined || providerRule(provider).statesUnasked !== true);
}

/** The last call that the conversation holds, or the last result where there is no call. */
export function lastToolText(messages: unknown): string {
  if (!Array.isArray(messages)) return '';
  let result = '';
  for (let index = messages.length - 1; index >= 0; index--) {
    const message: unknown = messages[index];
    if (!isJsonObject(message)) continue;
    const call = callOf(message);
    if (call !== undefined) return toolText(call['name'], call['arguments'] ?? call['input']);
    if (result === '' && (message['role'] === 'tool' || message['role'] === 'function'))
      result = toolText(message['name'], message['content']);
  }
  return result;
}

function callOf(message: JsonObject): JsonObject | undefined {
  const call = lastObject(message['tool_calls']);
  const described = call === undefined ? message['function_call'] : (call['function'] ?? call['custom']);
  return isJsonObject(described) ? described : undefined;
}
