/** Reads a request to OpenAI's responses. A stream always reports its usage, so that nothing is injected. */
import type { Rejected } from '@tokenledger/domain';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { readRequestBody } from '../request-body.ts';
import { holdsMedia } from '../request-media.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';
import { toolText } from '../tool-text.ts';

/** The model may be left out where a stored prompt names it. */
export function readResponseRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readRequestBody(body, { pathModel: options.path?.['deployment'], modelOptional: true });
  if (request.kind === 'rejected') return request;
  const { model, streamed, object } = request;
  return {
    kind: 'request',
    model,
    streamed,
    injectedBody: undefined,
    holdsMedia: isKept(object) || holdsMedia(object['input']) || holdsMedia(outputs(object['input'])),
    lastToolText: lastToolText(object['input']),
    ...(object['background'] === true ? { reportedLater: true } : {}),
  };
}

/** Names of what the provider keeps and puts before the input. */
const KEPT = ['previous_response_id', 'conversation', 'prompt'] as const;

function isKept(request: JsonObject): boolean {
  return KEPT.some((name) => request[name] !== undefined && request[name] !== null);
}

/** What tools gave, in the shape of messages: text, a part or a list of parts. */
function outputs(input: unknown): readonly JsonObject[] {
  if (!Array.isArray(input)) return [];
  return input.filter(isJsonObject).map(({ output }) => ({ content: Array.isArray(output) ? output : [output] }));
}

/** The last call that the input holds, or the last result where there is no call. */
function lastToolText(input: unknown): string {
  if (!Array.isArray(input)) return '';
  let result = '';
  for (let index = input.length - 1; index >= 0; index--) {
    const item: unknown = input[index];
    if (!isJsonObject(item) || typeof item['type'] !== 'string') continue;
    if (item['type'].endsWith('_call')) return toolText(item['name'] ?? item['type'], item['arguments'] ?? item['input'] ?? item['action']);
    if (result === '' && item['type'].endsWith('_call_output')) result = toolText('', item['output']);
  }
  return result;
}
