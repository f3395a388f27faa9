/** Virtual keys are kept and looked up by a keyed hash only: what a lookup compares is useless to whoever times it, and what is stored opens nothing. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { rejected, type Rejected } from '@tokenledger/domain';
import type { KeyHashSecret } from './documents.ts';

export interface KeyHasher {
  /** HMAC-SHA-256 of a virtual key's text, base64. */
  hash(text: string): string;
}

/** `secret`: at least 32 bytes that only the operator holds. */
export function keyHasher(secret: Uint8Array): KeyHasher {
  const key: KeyObject = createSecretKey(secret);
  return { hash: (text) => createHmac('sha256', key).update(text).digest('base64') };
}

/** What a process was started with. `previous` is there while keys that were hashed with it are still in use. */
export interface KeyHashSecrets {
  readonly current: Uint8Array;
  readonly previous?: Uint8Array | undefined;
}

/** No key is this text: keys begin otherwise. */
const CHECKED_TEXT = 'check value of the key hash secret';

/** Tells a secret from another one and says nothing else of it. */
export function keyHashCheck(secret: Uint8Array): string {
  return keyHasher(secret).hash(CHECKED_TEXT);
}

/** By generation: what hashes of that generation are compared with. */
export type KeyHashers = ReadonlyMap<number, KeyHasher>;

export type HashSecretMatch =
  /** Nothing is recorded yet: the first registry records `current` as generation 1. */
  | { readonly kind: 'first' }
  | { readonly kind: 'known'; readonly newest: number; readonly hashers: KeyHashers }
  /** `current` is not recorded and `previous` is the newest: the registry records `current` as `next`. */
  | { readonly kind: 'rotating'; readonly newest: number; readonly next: number; readonly hashers: KeyHashers };

/** Holds what a process was started with against the generations on the control topic.
 *
 *  | newest generation is | another generation is | then |
 *  | -------------------- | --------------------- | ---- |
 *  | none                 | –                     | first |
 *  | `current`            | –                     | known, with `previous` where it is recorded |
 *  | `previous`           | not `current`         | rotating |
 *  | `previous`           | `current`             | rejected: the two were swapped, or an old one came back |
 *  | neither              | –                     | rejected | */
export function matchHashSecrets(secrets: KeyHashSecrets, recorded: readonly KeyHashSecret[]): HashSecretMatch | Rejected {
  const generations = recorded.toSorted((a, b) => b.generation - a.generation);
  const [newest] = generations;
  if (newest === undefined) return { kind: 'first' };
  const hashers = new Map<number, KeyHasher>();
  const place = (secret: Uint8Array | undefined): number | undefined => {
    if (secret === undefined) return undefined;
    const check = keyHashCheck(secret);
    const found = generations.find((one) => one.check === check)?.generation;
    if (found !== undefined) hashers.set(found, keyHasher(secret));
    return found;
  };
  const current = place(secrets.current);
  const previous = place(secrets.previous);
  if (current === newest.generation) return { kind: 'known', newest: current, hashers };
  if (previous === newest.generation && current === undefined) {
    return { kind: 'rotating', newest: previous, next: previous + 1, hashers };
  }
  const known = current === undefined ? '' : ` (it is that of generation ${current})`;
  return rejected(
    'KEY_HASH_SECRET_MISMATCH',
    `control.key_hash_secret is not the secret of generation ${newest.generation}, which keys are hashed with since ${newest.created_at}${known}: start with that one, or to rotate give it as control.key_hash_secret_previous beside a new one`,
  );
}
