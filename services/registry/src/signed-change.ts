/** A change as records of the control topic: its documents, then the audit of each, to be sent as one. Pure. */
import { auditKey, type AuditRecord, type ControlRecord, documentKey, encodeControl, type ManagedBy } from '@tokenledger/control';
import { type OutgoingRecord, recordBytes, SEQUENCE_HEADER, SOURCE_HEADER } from '@tokenledger/event-log';
import { refuse, type Refusal } from './core/refusal.ts';
import { type Draft, liveRecord, type Records } from './core/request.ts';
import { shortDocument } from './core/show.ts';
import type { StrayChange } from './core/strays.ts';

/** Who changes it, when and under which numbers. */
export interface Signature {
  readonly changeId: string;
  readonly epoch: number;
  readonly nowMs: number;
  readonly by: string;
  readonly managedBy: ManagedBy;
  readonly note: string;
}

export interface SignedChange {
  readonly kind: 'signed';
  readonly changeId: string;
  readonly records: readonly OutgoingRecord[];
  readonly auditRecords: number;
}

/** What is sent as one must fit into one request to a broker, which takes a megabyte by default. */
const CHANGE_BYTES_MAX = 800_000;

/** At least one draft. */
export function signChange(records: Records, drafts: readonly Draft[], signature: Signature): SignedChange | Refusal {
  const { changeId, epoch, nowMs, by, managedBy } = signature;
  const changedAt = new Date(nowMs).toISOString();
  const documents = drafts.map(({ kind, id, document }): ControlRecord => ({
    kind,
    id,
    version: (records.get(documentKey({ kind, id }))?.version ?? 0) + 1,
    epoch,
    change_id: changeId,
    change_size: drafts.length,
    changed_at: changedAt,
    changed_by: by,
    managed_by: managedBy,
    document,
  }));
  const audits = drafts.map((draft, index) => auditOf(records, draft, index + 1, signature));
  return together(documents, audits, signature);
}

/** The versions that hold, once more: for documents whose last record is of an owner that had been replaced. `voids`: the changes of that owner.
 *  Undone where there was nothing before. At least one of both. */
export function signRepair(
  records: Records,
  stray: { readonly documents: readonly Pick<ControlRecord, 'kind' | 'id'>[]; readonly changes: readonly StrayChange[] },
  signature: Signature,
): SignedChange | Refusal {
  const { changeId, epoch, nowMs, by, managedBy } = signature;
  const changedAt = new Date(nowMs).toISOString();
  const documents = stray.documents.map(({ kind, id }): ControlRecord => {
    const holds = records.get(documentKey({ kind, id })) ?? {
      kind,
      id,
      version: 0,
      changed_at: changedAt,
      changed_by: by,
      managed_by: managedBy,
      document: null,
    };
    return { ...holds, epoch, change_id: changeId, change_size: stray.documents.length };
  });
  const audits = stray.changes.map(({ changeId: voids, kind, id }, index): AuditRecord => {
    const live = liveRecord(records, { kind, id });
    return {
      change_id: changeId,
      n: index + 1,
      epoch,
      changed_at: changedAt,
      changed_by: by,
      managed_by: managedBy,
      action: 'void',
      kind,
      id,
      version_before: live?.version ?? 0,
      version_after: live?.version ?? 0,
      before: null,
      after: null,
      note: signature.note,
      voids,
    };
  });
  return together(documents, audits, signature);
}

function auditOf(records: Records, { kind, id, action, document }: Draft, n: number, signature: Signature): AuditRecord {
  const { changeId, epoch, nowMs, by, managedBy, note } = signature;
  const before = liveRecord(records, { kind, id });
  const version = records.get(documentKey({ kind, id }))?.version ?? 0;
  return {
    change_id: changeId,
    n,
    epoch,
    changed_at: new Date(nowMs).toISOString(),
    changed_by: by,
    managed_by: managedBy,
    action,
    kind,
    id,
    version_before: before?.version ?? 0,
    version_after: version + 1,
    before: before === undefined ? null : shortDocument(before.document),
    after: document === null ? null : shortDocument(document),
    note,
    voids: '',
  };
}

function together(documents: readonly ControlRecord[], audits: readonly AuditRecord[], signature: Signature): SignedChange | Refusal {
  const records: OutgoingRecord[] = documents.map((record) => ({ key: documentKey(record), value: encodeControl(record) }));
  for (const audit of audits) {
    const headers = { [SOURCE_HEADER]: `change/${audit.change_id}`, [SEQUENCE_HEADER]: String(audit.n) };
    records.push({ key: auditKey(audit), value: encodeControl(audit), headers });
  }
  const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
  if (bytes > CHANGE_BYTES_MAX) {
    const message = `the change has ${bytes} bytes with its audit, the event log takes ${CHANGE_BYTES_MAX} at once: split it`;
    return refuse('CHANGE_TOO_LARGE', message);
  }
  return { kind: 'signed', changeId: signature.changeId, records, auditRecords: audits.length };
}
