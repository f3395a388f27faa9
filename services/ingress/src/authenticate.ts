/** Finds the virtual key of a request: `Authorization: Bearer KEY` or `x-api-key: KEY`. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ControlState, ResolvedKey } from '@tokenledger/control';

export type Unauthenticated = { readonly code: 'KEY_MISSING' | 'KEY_UNKNOWN' };

const BEARER = /^bearer +(\S+)\s*$/i;
const KEY_LENGTH_MAX = 512;

/** Unknown and revoked keys are told apart nowhere: both are `KEY_UNKNOWN`. */
export function authenticate(control: ControlState, headers: IncomingHttpHeaders): ResolvedKey | Unauthenticated {
  const text = keyText(headers);
  if (text === undefined || text === '') return { code: 'KEY_MISSING' };
  if (text.length > KEY_LENGTH_MAX) return { code: 'KEY_UNKNOWN' };
  const key = control.findKey(text);
  return key === undefined || key.revoked ? { code: 'KEY_UNKNOWN' } : key;
}

function keyText(headers: IncomingHttpHeaders): string | undefined {
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string') return apiKey;
  return headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
}
