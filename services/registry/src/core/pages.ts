/** Pages of a listing: in a fixed order, and a cursor that says after which entry the next one begins. Pure. */
import type { ControlDocument, ControlRecord, ListDocumentsQuery } from '@tokenledger/control';
import { refuse, type Refusal } from './refusal.ts';
import type { Records } from './request.ts';

export interface DocumentPageOf {
  readonly kind: 'page';
  readonly documents: readonly (ControlRecord & { readonly document: ControlDocument })[];
  readonly nextCursor: string | null;
}

/** In the order of `kind/id`. Documents that come or go between two pages are met or not, all others exactly once. */
export function documentPage(records: Records, { kind, tenant, limit, cursor }: ListDocumentsQuery): DocumentPageOf | Refusal {
  const after = cursor === undefined ? '' : textOf(cursor);
  if (after === undefined) return cursorInvalid();
  const keys = Array.from(records.keys())
    .filter((key) => key > after)
    .toSorted();
  const documents: (ControlRecord & { readonly document: ControlDocument })[] = [];
  for (const key of keys) {
    const record = records.get(key);
    if (record === undefined || record.document === null) continue;
    if (kind !== undefined && record.kind !== kind) continue;
    if (tenant !== undefined && tenantOf(record.document) !== tenant) continue;
    const last = documents.at(-1);
    if (documents.length === limit && last !== undefined) {
      return { kind: 'page', documents, nextCursor: cursorOf(`${last.kind}/${last.id}`) };
    }
    documents.push({ ...record, document: record.document });
  }
  return { kind: 'page', documents, nextCursor: null };
}

/** A tenant is its own. */
function tenantOf(document: ControlDocument): string | undefined {
  if (document.kind === 'tenant') return document.id;
  return 'tenant' in document ? document.tenant : undefined;
}

/** The offset in a cursor of the audit; undefined without one. */
export function offsetOf(cursor: string | undefined): number | undefined | Refusal {
  if (cursor === undefined) return undefined;
  const text = textOf(cursor);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : cursorInvalid();
}

/** So that nobody takes it for more than it is. */
export function cursorOf(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function textOf(cursor: string): string | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  return text !== '' && cursorOf(text) === cursor ? text : undefined;
}

function cursorInvalid(): Refusal {
  return refuse('INPUT_INVALID', 'the cursor is not one that was answered: leave it out to begin anew', 'cursor');
}
