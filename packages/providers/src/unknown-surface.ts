/** What below a channel's path is no surface: passed through unread, so that it is visible, never silent. */
import { isJsonObject, parseJson } from './json-object.ts';
import { MODEL_CHARS_MAX } from './request-body.ts';
import type { ReadRequestOptions, RequestFacts, Surface } from './surface.ts';
import { UnreadAnswer } from './unread-answer.ts';

export const UNKNOWN_SURFACE = 'unknown';

/** Longest body in which a model's name is looked for. */
const BODY_READ_BYTES_MAX = 1024 * 1024;

/** `api`: a surface of the same channel, whose credential and shape of errors it has. Usage is null (`surface_unknown`, of an error `upstream_error`). */
export function unknownSurface(api: Surface): Surface {
  return {
    name: UNKNOWN_SURFACE,
    provider: api.provider,
    endpoints: [{ method: 'POST', path: '/channels/{channel}' }],
    readRequest,
    usageReader: (answer) => new UnreadAnswer(answer, false, 'surface_unknown'),
    injectionFilter: undefined,
    credentialHeaders: (secret, provider) => api.credentialHeaders(secret, provider),
    ...(api.sign === undefined ? {} : { sign: api.sign }),
    errorBody: (error) => api.errorBody(error),
  };
}

/** Refuses nothing. Whatever the body is, its size says nothing about tokens. */
function readRequest(body: Buffer, { contentType = '' }: ReadRequestOptions): RequestFacts {
  const isRead = contentType.toLowerCase().includes('json') && body.length <= BODY_READ_BYTES_MAX;
  const object = isRead ? parseJson(body.toString('utf8')) : undefined;
  const model = isJsonObject(object) ? object['model'] : '';
  return {
    kind: 'request',
    model: typeof model === 'string' && model.length <= MODEL_CHARS_MAX ? model.toWellFormed() : '',
    streamed: isJsonObject(object) && object['stream'] === true,
    injectedBody: undefined,
    holdsMedia: true,
    lastToolText: '',
  };
}
