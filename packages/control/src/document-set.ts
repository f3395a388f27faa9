/** All documents at one moment. */
import type { ControlRecord } from './control-record.ts';
import type { ControlDocument, ControlKind, DocumentOf } from './documents.ts';

/** Immutable. A document that did not change is the same object in the next set. */
export interface DocumentSet {
  get<Kind extends ControlKind>(kind: Kind, id: string): DocumentOf<Kind> | undefined;
  /** In no particular order. */
  of<Kind extends ControlKind>(kind: Kind): readonly DocumentOf<Kind>[];
  all(): Iterable<ControlDocument>;
  readonly size: number;
}

/** The later of two with one key wins. */
export function documentSet(documents: Iterable<ControlDocument>): DocumentSet {
  const byKind = new Map<ControlKind, Map<string, ControlDocument>>();
  for (const document of documents) {
    let ofKind = byKind.get(document.kind);
    if (ofKind === undefined) byKind.set(document.kind, (ofKind = new Map()));
    ofKind.set(document.id, document);
  }
  // Each map holds documents of its kind only, which the type of a map of maps cannot say.
  const ofKind = <Kind extends ControlKind>(kind: Kind): ReadonlyMap<string, DocumentOf<Kind>> | undefined =>
    byKind.get(kind) as ReadonlyMap<string, DocumentOf<Kind>> | undefined;
  return {
    get: (kind, id) => ofKind(kind)?.get(id),
    of: (kind) => [...(ofKind(kind)?.values() ?? [])],
    *all() {
      for (const documentsOfKind of byKind.values()) yield* documentsOfKind.values();
    },
    get size() {
      return [...byKind.values()].reduce((size, { size: more }) => size + more, 0);
    },
  };
}

/** Leaves out what was deleted. */
export function documentsIn(records: Iterable<ControlRecord>): DocumentSet {
  const documents: ControlDocument[] = [];
  for (const { document } of records) if (document !== null) documents.push(document);
  return documentSet(documents);
}
