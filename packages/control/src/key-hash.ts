/** Virtual keys are kept and looked up by a keyed hash only: what a lookup compares is useless to whoever times it. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

export interface KeyHasher {
  /** HMAC-SHA-256 of a virtual key's text, base64. */
  hash(text: string): string;
}

/** `secret`: at least 32 bytes that only the operator holds. */
export function keyHasher(secret: Uint8Array): KeyHasher {
  const key: KeyObject = createSecretKey(secret);
  return { hash: (text) => createHmac('sha256', key).update(text).digest('base64') };
}
