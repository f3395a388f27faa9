/** Which documents name which. */
import { rejected, type Rejected } from '@tokenledger/domain';
import type { DocumentSet } from './document-set.ts';
import type { ConfigDocument, ControlDocument, ControlKind, DocumentInput } from './documents.ts';

export interface Reference {
  /** The field that names it. */
  readonly field: string;
  readonly kind: ControlKind;
  readonly id: string;
  /** The tenant that it must be of; undefined where any will do. */
  readonly tenant?: string;
}

/** What a document needs to be there. */
export function referencesOf(document: ControlDocument | ConfigDocument | DocumentInput): readonly Reference[] {
  switch (document.kind) {
    case 'project':
    case 'owner':
      return [{ field: 'tenant', kind: 'tenant', id: document.tenant }];
    case 'virtual_key': {
      const { tenant, project, owner } = document;
      return [
        { field: 'tenant', kind: 'tenant', id: tenant },
        ...(project === undefined ? [] : [{ field: 'project', kind: 'project' as const, id: project, tenant }]),
        { field: 'owner', kind: 'owner', id: owner, tenant },
      ];
    }
    case 'route':
      return document.channels.map(({ channel }, index) => ({ field: `channels[${index}].channel`, kind: 'channel', id: channel }));
    case 'closed_period':
      return document.tenant === undefined ? [] : [{ field: 'tenant', kind: 'tenant', id: document.tenant }];
    case 'price_book_activation':
      return [{ field: 'price_book', kind: 'price_book', id: document.price_book }];
    case 'rate_card':
      return document.tenant === undefined ? [] : [{ field: 'tenant', kind: 'tenant', id: document.tenant }];
    case 'tenant':
    case 'channel':
    case 'price_book':
    case 'contract':
    case 'fx_rate':
    case 'key_hash_secret':
      return [];
  }
}

/** The first reference of `from` that leads nowhere, or into another tenant. `REFERENCE_MISSING`. */
export function brokenReference(
  from: ControlDocument | ConfigDocument | DocumentInput,
  documents: Pick<DocumentSet, 'get'>,
): (Rejected & { readonly field: string }) | null {
  for (const { field, kind, id, tenant } of referencesOf(from)) {
    const found = documents.get(kind, id);
    if (found === undefined) {
      const message = `${from.kind} '${from.id}' names ${kind} '${id}', which does not exist: add it or correct the name`;
      return { ...rejected('REFERENCE_MISSING', message), field };
    }
    if (tenant !== undefined && 'tenant' in found && found.tenant !== tenant) {
      const message = `${from.kind} '${from.id}' of tenant '${tenant}' names ${kind} '${id}' of tenant '${found.tenant}': use one of its own tenant`;
      return { ...rejected('REFERENCE_MISSING', message), field };
    }
  }
  return null;
}
