/** Reads a request to Bedrock's Converse: the model stands in its path, and a stream always reports its usage. */
import type { Rejected } from '@tokenledger/domain';
import { readBedrockRequest } from '../bedrock-runtime.ts';
import { isJsonObject } from '../json-object.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';
import { toolText } from '../tool-text.ts';

/** Kinds of content blocks whose size says nothing about their tokens. */
const MEDIA = ['image', 'document', 'video', 'audio'] as const;

export function readConverseRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readBedrockRequest(body, options);
  if (request.kind === 'rejected') return request;
  const { model, streamed } = request;
  const messages = request.body['messages'];
  return {
    kind: 'request',
    model,
    streamed,
    injectedBody: undefined,
    holdsMedia: holdsMediaBlock(messages),
    lastToolText: lastToolBlockText(messages),
  };
}

/** A block is an object with one member, which names its kind. The result of a tool holds blocks of its own. */
export function holdsMediaBlock(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false;
  return messages.some((message) => isJsonObject(message) && anyMedia(message['content'], true));
}

function anyMedia(content: unknown, nests: boolean): boolean {
  if (!Array.isArray(content)) return false;
  for (const block of content) {
    if (!isJsonObject(block)) continue;
    if (MEDIA.some((name) => Object.hasOwn(block, name))) return true;
    const result = block['toolResult'];
    if (nests && isJsonObject(result) && anyMedia(result['content'], false)) return true;
  }
  return false;
}

/** The last call that the conversation holds, or the last result where there is no call. */
export function lastToolBlockText(messages: unknown): string {
  if (!Array.isArray(messages)) return '';
  let result = '';
  for (let index = messages.length - 1; index >= 0; index--) {
    const message: unknown = messages[index];
    const content = isJsonObject(message) ? message['content'] : undefined;
    for (let at = Array.isArray(content) ? content.length - 1 : -1; at >= 0; at--) {
      const block: unknown = (content as readonly unknown[])[at];
      if (!isJsonObject(block)) continue;
      const { toolUse, toolResult } = block;
      if (isJsonObject(toolUse)) return toolText(toolUse['name'], toolUse['input']);
      if (result === '' && isJsonObject(toolResult)) result = toolText('', toolResult['content']);
    }
  }
  return result;
}
