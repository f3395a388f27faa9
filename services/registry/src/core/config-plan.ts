/** Brings the documents of the config file onto the control topic: what is new or changed, and what has left the file. Pure. */
import { isDeepStrictEqual } from 'node:util';
import {
  brokenReference,
  type ConfigDocument,
  CONTROL_KINDS,
  type ControlDocument,
  documentKey,
  documentSet,
  type Issue,
  keyFromConfig,
} from '@tokenledger/control';
import { namedBy } from './decide-delete.ts';
import { refusal, type Refusal } from './refusal.ts';
import { type Draft, liveDocuments, liveRecord, type Records } from './request.ts';

/** How a configured key's text is hashed: by generation, and with the newest. */
export interface ConfiguredHash {
  readonly generation: number;
  readonly hash: string;
}

export interface ConfigPlanOptions {
  readonly documents: readonly ConfigDocument[];
  /** By id of the key: its hash under each generation that is known, the newest first. */
  readonly hashes: ReadonlyMap<string, readonly ConfiguredHash[]>;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface ConfigPlan {
  readonly kind: 'planned';
  /** In an order in which each document finds those that it names; deletions last. May be cut anywhere. */
  readonly drafts: readonly Draft[];
  /** Left the file and stay, since documents that the API manages name them, as `kind/id`. */
  readonly kept: readonly string[];
}

export function planConfig(records: Records, options: ConfigPlanOptions): ConfigPlan | Refusal {
  const wanted = options.documents.map((document) => asDocument(document, records, options)).toSorted(byKind);
  const after = documentSet([...liveDocuments(records), ...wanted]);
  const issues = wanted.flatMap((document): Issue[] => {
    const broken = brokenReference(document, after);
    return broken === null ? [] : [{ path: `${documentKey(document)}.${broken.field}`, code: broken.code, message: broken.message }];
  });
  if (issues.length > 0) return refusal(issues);

  const changed = wanted.flatMap((document): Draft[] => {
    const live = liveRecord(records, document);
    const same = live?.managed_by === 'config' && isDeepStrictEqual(live.document, document);
    return same ? [] : [{ kind: document.kind, id: document.id, action: live === undefined ? 'create' : 'update', document }];
  });
  const { drafts: deleted, kept } = planDeletions(records, new Set(wanted.map((document) => documentKey(document))));
  return { kind: 'planned', drafts: [...changed, ...deleted], kept };
}

/** Those that name others go before these. */
function planDeletions(
  records: Records,
  wanted: ReadonlySet<string>,
): { readonly drafts: readonly Draft[]; readonly kept: readonly string[] } {
  const left = Array.from(records.values())
    .filter((record) => record.document !== null && record.managed_by === 'config' && !wanted.has(documentKey(record)))
    .toSorted((a, b) => byKind(b, a));
  const going = new Set(left.map((record) => documentKey(record)));
  const drafts: Draft[] = [];
  const kept: string[] = [];
  for (const { kind, id } of left) {
    const key = documentKey({ kind, id });
    if (namedBy(records, { kind, id }).every((user) => going.has(user))) {
      drafts.push({ kind, id, action: 'delete', document: null });
    } else {
      going.delete(key);
      kept.push(key);
    }
  }
  return { drafts, kept };
}

/** A key keeps the hash that it has where its text is still the same, whatever generation it was hashed with. */
function asDocument(document: ConfigDocument, records: Records, { hashes, nowMs }: ConfigPlanOptions): ControlDocument {
  if (document.kind !== 'virtual_key') return document;
  const configured = hashes.get(document.id) ?? [];
  const before = liveRecord(records, document)?.document;
  const same = (before?.kind === 'virtual_key' ? before.hashes : []).filter(
    (secret) =>
      secret.expires_at === undefined &&
      configured.some(({ generation, hash }) => generation === secret.generation && hash === secret.hash),
  );
  if (same.length > 0) return keyFromConfig(document, same);
  const created_at = new Date(nowMs).toISOString();
  return keyFromConfig(
    document,
    configured.slice(0, 1).map((newest) => ({ ...newest, created_at })),
  );
}

function byKind(a: { readonly kind: ControlDocument['kind'] }, b: { readonly kind: ControlDocument['kind'] }): number {
  return CONTROL_KINDS.indexOf(a.kind) - CONTROL_KINDS.indexOf(b.kind);
}
