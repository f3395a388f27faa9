/** The newest audit records in memory, for the admin API. Older ones are in ClickHouse. */
import { auditKey, type AuditRecord, type ControlKind, type ReadEvent } from '@tokenledger/control';

/** About a kilobyte each. */
const AUDIT_RECORDS_KEPT = 10_000;

export interface AuditPageQuery {
  readonly kind?: ControlKind | undefined;
  readonly id?: string | undefined;
  readonly limit: number;
  /** Only what stands before this offset of the control topic; undefined: from the newest on. */
  readonly beforeOffset: number | undefined;
}

export interface AuditTrail {
  take(event: ReadEvent): void;
  /** Newest first. `nextOffset`: `beforeOffset` of the next page; null when there is none. */
  page(query: AuditPageQuery): { readonly records: readonly AuditRecord[]; readonly nextOffset: number | null };
}

/** Changes that were called void are left out: they never held. What calls them void stays. */
export function createAuditTrail(keptMax: number = AUDIT_RECORDS_KEPT): AuditTrail {
  /** In the order of the log; a send that was repeated brings the same record again. */
  const kept = new Map<string, { readonly offset: number; readonly audit: AuditRecord }>();
  return {
    take(event) {
      if (event.kind !== 'audited') return;
      const { audit, offset } = event;
      if (audit.action === 'void') {
        for (const [key, one] of kept) if (one.audit.change_id === audit.voids) kept.delete(key);
      }
      if (!kept.has(auditKey(audit))) kept.set(auditKey(audit), { offset, audit });
      for (const oldest of kept.keys()) {
        if (kept.size <= keptMax) return;
        kept.delete(oldest);
      }
    },
    page({ kind, id, limit, beforeOffset }) {
      const matching = Array.from(kept.values())
        .filter(
          ({ offset, audit }) =>
            (beforeOffset === undefined || offset < beforeOffset) &&
            (kind === undefined || audit.kind === kind) &&
            (id === undefined || audit.id === id),
        )
        .toReversed();
      const page = matching.slice(0, limit);
      return {
        records: page.map(({ audit }) => audit),
        nextOffset: matching.length > limit ? (page.at(-1)?.offset ?? null) : null,
      };
    },
  };
}
