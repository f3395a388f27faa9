/** Reads a request to Anthropic's messages. A stream always reports its usage, so that nothing is injected. */
import type { Rejected } from '@tokenledger/domain';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { readRequestBody } from '../request-body.ts';
import { holdsMedia } from '../request-media.ts';
import type { RequestFacts } from '../surface.ts';
import { toolText } from '../tool-text.ts';

export function readMessageRequest(body: Buffer): RequestFacts | Rejected {
  const request = readRequestBody(body);
  return request.kind === 'rejected' ? request : messageFacts(request.object, request.model, request.streamed);
}

/** What stands in the body, wherever the model's name and the wish for a stream stand. */
export function messageFacts(body: JsonObject, model: string, streamed: boolean): RequestFacts {
  return {
    kind: 'request',
    model,
    streamed,
    injectedBody: undefined,
    holdsMedia: holdsMedia(body['messages']),
    lastToolText: lastToolText(body['messages']),
  };
}

/** The last call that the conversation holds, or the last result where there is no call. */
export function lastToolText(messages: unknown): string {
  if (!Array.isArray(messages)) return '';
  let result = '';
  for (let index = messages.length - 1; index >= 0; index--) {
    const message: unknown = messages[index];
    if (!isJsonObject(message) || !Array.isArray(message['content'])) continue;
    const blocks: readonly JsonObject[] = message['content'].filter(isJsonObject);
    const call = blocks.findLast((block) => isType(block, 'tool_use'));
    if (call !== undefined) return toolText(call['name'], call['input']);
    const answer = blocks.findLast((block) => isType(block, 'tool_result'));
    if (result === '' && answer !== undefined) result = toolText('', answer['content']);
  }
  return result;
}

/** Server tools have types of their own: `server_tool_use`, `mcp_tool_use`, `web_search_tool_result`. */
function isType(block: JsonObject, type: string): boolean {
  return typeof block['type'] === 'string' && block['type'].endsWith(type);
}
