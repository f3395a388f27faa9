/** The row of an audit record: every column of `audit_log` that is inserted. */
import type { Cell } from '@tokenledger/clickhouse';
import type { AuditRecord } from '@tokenledger/control';
import type { LogRecord } from '@tokenledger/event-log';
import type { NumberedRow } from './decide.ts';
import type { RowOwner } from './row.ts';
import { clampTime, time } from './time.ts';

export const AUDIT_COLUMNS: readonly string[] = [
  'change_id',
  'n',
  'log_topic',
  'log_partition',
  'log_offset',
  'epoch',
  'registry_epoch',
  'changed_at',
  'changed_by',
  'managed_by',
  'action',
  'kind',
  'id',
  'tenant_id',
  'version_before',
  'version_after',
  'before',
  'after',
  'note',
  'voids',
  'recorded_at',
];

export function auditRow(audit: AuditRecord, record: LogRecord, owner: RowOwner): NumberedRow {
  const row: readonly Cell[] = [
    audit.change_id,
    audit.n,
    owner.topic,
    owner.partition,
    record.offset,
    owner.epoch,
    audit.epoch,
    time(clampTime(Date.parse(audit.changed_at))),
    audit.changed_by,
    audit.managed_by,
    audit.action,
    audit.kind,
    audit.id,
    tenantOf(audit),
    audit.version_before,
    audit.version_after,
    jsonText(audit.before),
    jsonText(audit.after),
    audit.note,
    audit.voids,
    time(clampTime(record.timestampMs)),
  ];
  return { source: audit.change_id, sequence: audit.n, row };
}

/** Whose document it is; `''` for what belongs to no tenant. */
function tenantOf({ kind, id, before, after }: AuditRecord): string {
  if (kind === 'tenant') return id;
  const tenant = (after ?? before)?.['tenant'];
  return typeof tenant === 'string' ? tenant : '';
}

function jsonText(document: AuditRecord['before']): string {
  return document === null ? '' : JSON.stringify(document);
}
