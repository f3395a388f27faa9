/** Reads a request to Cohere's chat. A stream always reports its usage, so that nothing is injected. */
import type { Rejected } from '@tokenledger/domain';
import { readCohereRequest } from '../cohere-api.ts';
import { isJsonObject } from '../json-object.ts';
import { lastToolText } from '../openai-chat/read-request.ts';
import { holdsMedia } from '../request-media.ts';
import type { RequestFacts } from '../surface.ts';
import { lastObject, toolText } from '../tool-text.ts';

export function readCohereChatRequest(body: Buffer): RequestFacts | Rejected {
  return readCohereRequest(body, ({ messages, tool_results: results }) => ({
    holdsMedia: holdsMedia(messages),
    lastToolText: lastToolText(messages) || lastResultText(results),
  }));
}

/** The first version holds each result together with its call. */
function lastResultText(results: unknown): string {
  const call = lastObject(results)?.['call'];
  return isJsonObject(call) ? toolText(call['name'], call['parameters']) : '';
}
