/** Keys: created with a first secret, given another one, revoked for good. The text of a secret never comes here. Pure. */
import { brokenReference, documentSet, KEY_SECRETS_MAX, type KeySecret, type VirtualKey } from '@tokenledger/control';
import { refuse, type Refusal } from './refusal.ts';
import { type ChangeRequest, type DecideContext, type Draft, liveDocuments, liveRecord, type Records } from './request.ts';

type Of<Kind extends ChangeRequest['kind']> = Extract<ChangeRequest, { kind: Kind }>;

/** An id that was deleted may come again; its versions go on. */
export function createKey(records: Records, { key, secret }: Of<'create_key'>): Draft | Refusal {
  if (liveRecord(records, key) !== undefined) {
    return refuse('DOCUMENT_EXISTS', `virtual_key '${key.id}' is there already: choose another id, or rotate it`, 'id');
  }
  const document: VirtualKey = { ...key, hashes: [secret], revoked: false };
  const broken = brokenReference(document, documentSet(liveDocuments(records)));
  if (broken !== null) return refuse(broken.code, broken.message, broken.field);
  return { kind: 'virtual_key', id: key.id, action: 'create', document };
}

/** The new secret works at once, those of before until the overlap is over, or until they would have expired anyway. */
export function rotateKey(records: Records, { id, secret, overlapS }: Of<'rotate_key'>, { nowMs }: DecideContext): Draft | Refusal {
  const key = changeableKey(records, id);
  if ('issues' in key) return key;
  const untilMs = nowMs + overlapS * 1_000;
  const kept = key.hashes.flatMap((before): KeySecret[] => {
    const endsMs = before.expires_at === undefined ? untilMs : Math.min(untilMs, Date.parse(before.expires_at));
    return endsMs <= nowMs ? [] : [{ ...before, expires_at: new Date(endsMs).toISOString() }];
  });
  if (kept.length >= KEY_SECRETS_MAX) {
    return refuse('KEY_SECRETS_TOO_MANY', `virtual_key '${id}' has ${kept.length} secrets in force: rotate it without overlap, or wait`);
  }
  return { kind: 'virtual_key', id, action: 'rotate', document: { ...key, hashes: [secret, ...kept] } };
}

/** Revoking again changes nothing. */
export function revokeKey(
  records: Records,
  id: string,
): Draft | Refusal | { readonly kind: 'unchanged'; readonly of: Pick<Draft, 'kind' | 'id'> } {
  const key = changeableKey(records, id);
  if ('issues' in key) return key.code === 'KEY_REVOKED' ? { kind: 'unchanged', of: { kind: 'virtual_key', id } } : key;
  return { kind: 'virtual_key', id, action: 'revoke', document: { ...key, revoked: true } };
}

function changeableKey(records: Records, id: string): VirtualKey | Refusal {
  const live = liveRecord(records, { kind: 'virtual_key', id });
  if (live?.document.kind !== 'virtual_key') return refuse('DOCUMENT_UNKNOWN', `there is no virtual_key '${id}'`);
  if (live.managed_by === 'config') {
    return refuse('DOCUMENT_MANAGED_BY_CONFIG', `virtual_key '${id}' stands in the config file of the registry: change it there`);
  }
  if (live.document.revoked) return refuse('KEY_REVOKED', `virtual_key '${id}' was revoked: create another one`);
  return live.document;
}
