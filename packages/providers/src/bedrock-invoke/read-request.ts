/** Reads a request to Bedrock's InvokeModel. Its body is the model's own, so that nothing in it is required. */
import type { Rejected } from '@tokenledger/domain';
import { lastToolText } from '../anthropic-messages/read-request.ts';
import { holdsMediaBlock, lastToolBlockText } from '../bedrock-converse/read-request.ts';
import { readBedrockRequest } from '../bedrock-runtime.ts';
import { holdsMedia } from '../request-media.ts';
import type { ReadRequestOptions, RequestFacts } from '../surface.ts';

/** Members that hold pictures for models of embeddings and of images. */
const MEDIA = ['image', 'images', 'inputImage', 'inputVideo'] as const;

export function readInvokeRequest(body: Buffer, options: ReadRequestOptions): RequestFacts | Rejected {
  const request = readBedrockRequest(body, options);
  if (request.kind === 'rejected') return request;
  const { model, streamed } = request;
  const messages = request.body['messages'];
  return {
    kind: 'request',
    model,
    streamed,
    injectedBody: undefined,
    holdsMedia: holdsMedia(messages) || holdsMediaBlock(messages) || MEDIA.some((name) => Object.hasOwn(request.body, name)),
    lastToolText: lastToolText(messages) || lastToolBlockText(messages),
  };
}
