/** Reads a request to generate content. Every chunk of a stream reports usage, so that nothing is injected. */
import type { Rejected } from '@tokenledger/domain';
import { readGoogleRequest } from '../google-api.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';
import { toolText } from '../tool-text.ts';

/** The APIs read both spellings of a name. */
const MEDIA = ['inlineData', 'inline_data', 'fileData', 'file_data'] as const;

/** A stream is another method of the same model. */
export const STREAM_METHOD = 'streamGenerateContent';

export function readGenerateRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readGoogleRequest(body, options);
  if (request.kind === 'rejected') return request;
  const parts = partsOf(request.object['contents']);
  return {
    kind: 'request',
    model: request.model,
    streamed: options.endpoint?.path.endsWith(`:${STREAM_METHOD}`) === true,
    injectedBody: undefined,
    holdsMedia: holdsMediaParts(parts),
    lastToolText: lastToolText(parts),
  };
}

export function holdsMediaParts(parts: readonly JsonObject[]): boolean {
  return parts.some((part) => MEDIA.some((name) => part[name] !== undefined));
}

/** Of all contents, in order. One content may stand without its list. */
export function partsOf(contents: unknown): readonly JsonObject[] {
  const parts: JsonObject[] = [];
  for (const content of Array.isArray(contents) ? contents : [contents]) {
    const own: unknown = isJsonObject(content) ? content['parts'] : undefined;
    for (const part of Array.isArray(own) ? own : [own]) if (isJsonObject(part)) parts.push(part);
  }
  return parts;
}

/** The last call that the conversation holds, or the last result where there is no call. */
function lastToolText(parts: readonly JsonObject[]): string {
  const call = lastOf(parts, ['functionCall', 'function_call']);
  if (call !== undefined) return toolText(call['name'], call['args']);
  const result = lastOf(parts, ['functionResponse', 'function_response']);
  return result === undefined ? '' : toolText(result['name'], result['response']);
}

function lastOf(parts: readonly JsonObject[], names: readonly string[]): JsonObject | undefined {
  for (let index = parts.length - 1; index >= 0; index--) {
    for (const name of names) {
      const member = parts[index]?.[name];
      if (isJsonObject(member)) return member;
    }
  }
  return undefined;
}
