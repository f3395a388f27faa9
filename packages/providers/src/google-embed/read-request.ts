/** Reads a request to embed one content, or a batch of them. */
import type { Rejected } from '@tokenledger/domain';
import { readGoogleRequest } from '../google-api.ts';
import { holdsMediaParts, partsOf } from '../google-generate/read-request.ts';
import { isJsonObject } from '../json-object.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';

export function readEmbedRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readGoogleRequest(body, options);
  if (request.kind === 'rejected') return request;
  const { requests, content } = request.object as { readonly requests?: unknown; readonly content?: unknown };
  const contents = Array.isArray(requests) ? requests.map((one) => (isJsonObject(one) ? one['content'] : undefined)) : content;
  return {
    kind: 'request',
    model: request.model,
    streamed: false,
    injectedBody: undefined,
    holdsMedia: holdsMediaParts(partsOf(contents)),
    lastToolText: '',
  };
}
