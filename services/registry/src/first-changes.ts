/** What an owner brings in order before it takes requests: the generation of the key hash secret, and the documents of the config file. */
import {
  type ConfigDocument,
  type DocumentSet,
  type HashSecretMatch,
  hashConfigured,
  keyHashCheck,
  type KeyHasher,
  keyHasher,
  type KeyHashSecrets,
  matchHashSecrets,
  type SecretReader,
} from '@tokenledger/control';
import { AppError, isRejected } from '@tokenledger/domain';
import type { ConfiguredHash } from './core/config-plan.ts';
import type { Draft } from './core/request.ts';

/** What new secrets of keys are hashed with. */
export interface Hashing {
  readonly generation: number;
  readonly hasher: KeyHasher;
}

/** Throws `KEY_HASH_SECRET_MISMATCH`. */
export function matchOrThrow(secrets: KeyHashSecrets, documents: DocumentSet): HashSecretMatch {
  const match = matchHashSecrets(secrets, documents.of('key_hash_secret'));
  if (isRejected(match)) throw new AppError(match.code, match.message);
  return match;
}

/** The document that records a new generation; undefined when there is nothing to record. */
export function generationDraft(match: HashSecretMatch, secrets: KeyHashSecrets, nowMs: number): Draft | undefined {
  if (match.kind === 'known') return undefined;
  const generation = match.kind === 'first' ? 1 : match.next;
  const id = String(generation);
  const document = {
    kind: 'key_hash_secret' as const,
    id,
    generation,
    check: keyHashCheck(secrets.current),
    created_at: new Date(nowMs).toISOString(),
  };
  return { kind: 'key_hash_secret', id, action: 'create', document };
}

/** How each configured key is hashed: with the newest generation first. Throws `SECRET_MISSING`, `SECRET_WEAK`, `DOCUMENT_DUPLICATE`. */
export function configuredHashes(
  documents: readonly ConfigDocument[],
  hashers: ReadonlyMap<number, KeyHasher>,
  readSecret: SecretReader,
): ReadonlyMap<string, readonly ConfiguredHash[]> {
  const newestFirst = [...hashers].toSorted(([a], [b]) => b - a);
  const hashes = new Map<string, readonly ConfiguredHash[]>();
  const owners = new Map<string, string>();
  for (const document of documents) {
    if (document.kind !== 'virtual_key') continue;
    const ofKey = newestFirst.map(([generation, hasher]) => ({ generation, hash: hashConfigured(document, hasher, readSecret) }));
    const [newest] = ofKey;
    const other = newest === undefined ? undefined : owners.get(newest.hash);
    if (other !== undefined) {
      throw new AppError('DOCUMENT_DUPLICATE', `virtual key '${document.id}' has the same secret as '${other}': give each key its own`);
    }
    if (newest !== undefined) owners.set(newest.hash, document.id);
    hashes.set(document.id, ofKey);
  }
  return hashes;
}

/** Only once the generation is recorded. */
export function newestHashing(match: Extract<HashSecretMatch, { kind: 'known' }>, secrets: KeyHashSecrets): Hashing {
  return { generation: match.newest, hasher: keyHasher(secrets.current) };
}
