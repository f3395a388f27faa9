/** What stands on the control topic: versioned documents, the audit of each change, and the claims of the registries that may write. */
import { z } from 'zod';
import { CONTROL_KINDS, type ControlKind, controlDocumentSchema } from './documents.ts';
import { ID, instant } from './document-fields.ts';

const kind = z.enum(CONTROL_KINDS);
export const managedBySchema = z.enum(['api', 'config']);

/** One version of one document. All records of a change are sent together: documents first, then their audit. */
export const controlRecordSchema = z
  .strictObject({
    kind,
    id: ID,
    /** 1 for the first, one more with each change, deletion included. 0 only where a change that never held is undone. */
    version: z.int().min(0),
    /** Of the registry that wrote it. */
    epoch: z.int().min(1),
    change_id: z.uuid(),
    /** How many document records the change has; its audit records are not counted. */
    change_size: z.int().min(1),
    changed_at: instant,
    /** Name of the admin token, or who else it was. */
    changed_by: z.string().min(1).max(200),
    managed_by: managedBySchema,
    /** Null: deleted. */
    document: controlDocumentSchema.nullable(),
  })
  .refine((record) => record.document === null || (record.document.kind === record.kind && record.document.id === record.id), {
    message: 'the document is another one than the record says',
  });

export const AUDIT_ACTIONS = ['create', 'update', 'delete', 'rotate', 'revoke', 'void'] as const;

/** A document as it may be shown: no secret, no hash, long texts by their hash. */
export const shownDocumentSchema = z.record(z.string(), z.unknown());

/** What one change did to one document, under `audit/CHANGE/N`. Headers carry its source (`change/CHANGE`) and its number. */
export const auditRecordSchema = z.strictObject({
  change_id: z.uuid(),
  /** From 1 within its change. */
  n: z.int().min(1),
  epoch: z.int().min(1),
  changed_at: instant,
  changed_by: z.string().min(1).max(200),
  managed_by: managedBySchema,
  /** `void`: the change `voids` was written by a registry that was not the owner any more and never held. */
  action: z.enum(AUDIT_ACTIONS),
  kind,
  id: ID,
  /** Versions of the document; 0 where there was none. */
  version_before: z.int().min(0),
  version_after: z.int().min(0),
  before: shownDocumentSchema.nullable(),
  after: shownDocumentSchema.nullable(),
  note: z.string().max(500),
  /** The change that never held; '' for every other action. */
  voids: z.union([z.uuid(), z.literal('')]),
});

/** From its offset on nothing counts that an earlier owner writes. The epoch is its offset plus one. */
export const claimRecordSchema = z.strictObject({ claimed_at: instant, claimed_by: z.string().max(200) });

export type ManagedBy = z.infer<typeof managedBySchema>;
export type ControlRecord = z.infer<typeof controlRecordSchema>;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];
export type AuditRecord = z.infer<typeof auditRecordSchema>;
export type ClaimRecord = z.infer<typeof claimRecordSchema>;
export type ShownDocument = z.infer<typeof shownDocumentSchema>;

/** There is one registry, so there is one claim. */
export const CLAIM_KEY = 'claim/registry';
/** Keys of audit records begin so. */
export const AUDIT_PREFIX = 'audit/';

export function documentKey(of: { readonly kind: ControlKind; readonly id: string }): string {
  return `${of.kind}/${of.id}`;
}

export function auditKey(of: { readonly change_id: string; readonly n: number }): string {
  return `${AUDIT_PREFIX}${of.change_id}/${of.n}`;
}

/** A record of the control topic, told by its key. Undefined when it is none of ours or cannot be read. */
export type Decoded =
  | { readonly kind: 'document'; readonly record: ControlRecord }
  | { readonly kind: 'audit'; readonly record: AuditRecord }
  | { readonly kind: 'claim'; readonly record: ClaimRecord };

export function decodeControl(key: string | null, value: Uint8Array | null): Decoded | undefined {
  if (key === null || value === null) return undefined;
  const json = parseJson(value);
  if (key === CLAIM_KEY) {
    const claim = claimRecordSchema.safeParse(json);
    return claim.success ? { kind: 'claim', record: claim.data } : undefined;
  }
  if (key.startsWith(AUDIT_PREFIX)) {
    const audit = auditRecordSchema.safeParse(json);
    return audit.success && auditKey(audit.data) === key ? { kind: 'audit', record: audit.data } : undefined;
  }
  const document = controlRecordSchema.safeParse(json);
  return document.success && documentKey(document.data) === key ? { kind: 'document', record: document.data } : undefined;
}

export function encodeControl(record: ControlRecord | AuditRecord | ClaimRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch {
    // Nothing that we wrote: it is skipped, and counted by whoever reads.
    return undefined;
  }
}
