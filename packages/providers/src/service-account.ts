/** Access to Google's APIs with the JSON key of a service account: a token that is signed here and asked of nobody (https://google.aip.dev/auth/4111). */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { AppError } from '@tokenledger/domain';
import { isJsonObject, parseJson, textAt } from './json-object.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** The longest that Google accepts. */
const TOKEN_LIFETIME_S = 3600;
/** A token is used for as long as it has this much left: a request may take a while to arrive, and clocks differ. */
const TOKEN_LEFT_MIN_S = 600;
/** Credentials whose tokens are kept. */
const ACCOUNTS_MAX = 256;

interface ServiceAccount {
  readonly email: string;
  readonly keyId: string;
  readonly key: KeyObject;
}

interface Token {
  readonly text: string;
  readonly issuedAtS: number;
}

/** Whether a credential is such a key: any other is sent as it stands. */
export function isServiceAccount(secret: string): boolean {
  return secret.startsWith('{');
}

/** Gives the token of a credential, a new one in time: an RSA signature, about a millisecond for each credential and hour. */
export class ServiceAccountTokens {
  readonly #tokens = new Map<string, Token>();

  /** Throws `CREDENTIAL_INVALID`, without a word of the credential. */
  tokenOf(secret: string, nowMs: number): string {
    const nowS = Math.floor(nowMs / 1000);
    const known = this.#tokens.get(secret);
    if (known !== undefined && nowS >= known.issuedAtS && nowS < known.issuedAtS + TOKEN_LIFETIME_S - TOKEN_LEFT_MIN_S) return known.text;
    const text = signedToken(serviceAccount(secret), nowS);
    this.#tokens.delete(secret);
    this.#tokens.set(secret, { text, issuedAtS: nowS });
    if (this.#tokens.size > ACCOUNTS_MAX) this.#tokens.delete(this.#tokens.keys().next().value as string);
    return text;
  }
}

function serviceAccount(secret: string): ServiceAccount {
  const json = parseJson(secret);
  const { client_email: email, private_key: pem } = isJsonObject(json) ? (json as Record<string, unknown>) : {};
  if (!isJsonObject(json) || typeof email !== 'string' || typeof pem !== 'string') {
    throw new AppError(
      'CREDENTIAL_INVALID',
      'the credential is no JSON key of a service account: it needs `client_email` and `private_key`',
    );
  }
  try {
    return { email, keyId: textAt(json, 'private_key_id'), key: createPrivateKey(pem) };
  } catch {
    // What the parser says may quote what it read.
    throw new AppError('CREDENTIAL_INVALID', '`private_key` of the service account cannot be read');
  }
}

function signedToken({ email, keyId, key }: ServiceAccount, nowS: number): string {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === '' ? {} : { kid: keyId }) };
  const claims = { iss: email, sub: email, scope: SCOPE, iat: nowS, exp: nowS + TOKEN_LIFETIME_S };
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`;
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
