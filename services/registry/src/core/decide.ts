/** What becomes of a request to change documents: the documents as they are to be, or a refusal that names every place. Pure. */
import type { Issue } from '@tokenledger/control';
import { decideApply } from './decide-apply.ts';
import { decideDelete } from './decide-delete.ts';
import { createKey, revokeKey, rotateKey } from './decide-key.ts';
import { refusal, type Refusal } from './refusal.ts';
import type { ChangeRequest, Decided, DecideContext, Draft, Records } from './request.ts';
import { changedResult, unchangedResult } from './results.ts';

/** `records`: as of the last whole change; nothing else may be decided until what follows from this has been read back. */
export function decide(records: Records, request: ChangeRequest, context: DecideContext): Decided | Refusal {
  const conflicts = versionConflicts(records, request);
  if (conflicts.length > 0) return refusal(conflicts);
  switch (request.kind) {
    case 'apply':
      return decideApply(records, request.documents, context);
    case 'delete':
      return one(records, decideDelete(records, request.of, context));
    case 'create_key':
      return one(records, createKey(records, request));
    case 'rotate_key':
      return one(records, rotateKey(records, request, context));
    case 'revoke_key':
      return one(records, revokeKey(records, request.id));
  }
}

/** A draft without a change is answered as such. */
function one(
  records: Records,
  draft: Draft | { readonly kind: 'unchanged'; readonly of: Pick<Draft, 'kind' | 'id'> } | Refusal,
): Decided | Refusal {
  switch (draft.kind) {
    case 'rejected':
      return draft;
    case 'unchanged':
      return { kind: 'decided', drafts: [], results: [unchangedResult(records, draft.of)] };
    default:
      return { kind: 'decided', drafts: [draft], results: [changedResult(records, draft)] };
  }
}

/** A document that is not there, or not any more, has version 0. */
function versionConflicts(records: Records, request: ChangeRequest): readonly Issue[] {
  return expectedBy(request).flatMap(([key, expected]) => {
    const record = records.get(key);
    const is = record === undefined || record.document === null ? 0 : record.version;
    if (expected === undefined || expected === is) return [];
    const found = is === 0 ? `${key} is not there` : `${key} has version ${is}`;
    return [
      { path: `expected_versions["${key}"]`, code: 'DOCUMENT_VERSION_CONFLICT', message: `${found}; expected was version ${expected}` },
    ];
  });
}

function expectedBy(request: ChangeRequest): readonly (readonly [key: string, version: number | undefined])[] {
  switch (request.kind) {
    case 'apply':
      return Object.entries(request.expectedVersions);
    case 'delete':
      return [[`${request.of.kind}/${request.of.id}`, request.expectedVersion]];
    case 'rotate_key':
    case 'revoke_key':
      return [[`virtual_key/${request.id}`, request.expectedVersion]];
    case 'create_key':
      return [];
  }
}
