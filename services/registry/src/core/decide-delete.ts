/** Deleting a document: refused while another one names it. Pure. */
import { type ControlKind, type ControlRecord, documentKey, referencesOf } from '@tokenledger/control';
import { settledAt } from './decide-apply.ts';
import { refuse, type Refusal } from './refusal.ts';
import { type DecideContext, type Draft, liveRecord, type Records } from './request.ts';

const NAMED_MAX = 10;

export function decideDelete(
  records: Records,
  of: { readonly kind: ControlKind; readonly id: string },
  context: DecideContext,
): Draft | Refusal {
  const live = liveRecord(records, of);
  if (live === undefined) return refuse('DOCUMENT_UNKNOWN', `there is no ${of.kind} '${of.id}'`);
  if (live.managed_by === 'config') {
    return refuse('DOCUMENT_MANAGED_BY_CONFIG', `${of.kind} '${of.id}' stands in the config file of the registry: remove it there`);
  }
  if (live.document.kind === 'key_hash_secret') {
    return refuse('DOCUMENT_FIXED', `generation '${of.id}' of the key hash secret tells which secret keys were hashed with`);
  }
  const settled = settledAt(live.document, context);
  if (settled !== null) return refuse('DOCUMENT_FIXED', `${of.kind} '${of.id}' was to hold from ${settled} on, which is over or too near`);
  const users = namedBy(records, of);
  if (users.length > 0) {
    const more = users.length > NAMED_MAX ? ` and ${users.length - NAMED_MAX} more` : '';
    return refuse(
      'DOCUMENT_IN_USE',
      `${of.kind} '${of.id}' is named by ${users.slice(0, NAMED_MAX).join(', ')}${more}: delete or change them first`,
    );
  }
  return { ...of, action: 'delete', document: null };
}

/** Documents that name this one, as `kind/id`. */
export function namedBy(records: Records, of: { readonly kind: ControlKind; readonly id: string }): readonly string[] {
  return Array.from(records.values())
    .filter((record) => names(record, of))
    .map((record) => documentKey(record));
}

function names({ document }: ControlRecord, { kind, id }: { readonly kind: ControlKind; readonly id: string }): boolean {
  return document !== null && referencesOf(document).some((reference) => reference.kind === kind && reference.id === id);
}
