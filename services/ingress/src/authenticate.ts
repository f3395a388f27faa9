/** Finds the virtual key of a request, where clients of each provider put theirs: `Authorization: Bearer KEY`, `x-api-key`, `api-key` (Azure), `x-goog-api-key`,
 *  the id of the access key that an AWS client signs with. */
import type { Socket } from 'node:net';
import type { ControlState, ResolvedKey } from '@tokenledger/control';
import type { RequestHeaders } from './core/headers.ts';

export type Unauthenticated = { readonly code: 'KEY_MISSING' | 'KEY_UNKNOWN' };

const BEARER = /^bearer +(\S+)\s*$/i;
/** What is signed is not what leaves, and nobody here holds the secret: the signature itself is not looked at. */
const AWS_ACCESS_KEY_ID = /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\//;
const KEY_LENGTH_MAX = 512;

interface Seen {
  readonly control: ControlState;
  readonly text: string;
  readonly key: ResolvedKey;
}

/** What a connection's last request was accepted with: the next one nearly always carries the same key. It is compared with nothing but what its own client sent before. */
const lastAccepted = new WeakMap<Socket, Seen>();

/** `inQuery`: the key that stands in the query, where that is allowed. Unknown and revoked keys are told apart nowhere: both are `KEY_UNKNOWN`. */
export function authenticate(
  control: ControlState,
  socket: Socket,
  headers: RequestHeaders['read'],
  inQuery?: string,
): ResolvedKey | Unauthenticated {
  const text = headers['x-api-key'] || authorized(headers.authorization) || headers['api-key'] || headers['x-goog-api-key'] || inQuery;
  if (text === undefined || text === '') return { code: 'KEY_MISSING' };
  if (text.length > KEY_LENGTH_MAX) return { code: 'KEY_UNKNOWN' };
  const seen = lastAccepted.get(socket);
  if (seen !== undefined && seen.control === control && seen.text === text) return seen.key;
  const key = control.findKey(text);
  if (key === undefined || key.revoked) return { code: 'KEY_UNKNOWN' };
  lastAccepted.set(socket, { control, text, key });
  return key;
}

function authorized(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  return (BEARER.exec(authorization) ?? AWS_ACCESS_KEY_ID.exec(authorization))?.[1];
}
