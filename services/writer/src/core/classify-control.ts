/** What a record of the control topic becomes: a row of `audit_log` if it is the audit of a change, else nothing. Pure. */
import type { NumberedRow } from './decide.ts';
import type { Classify, Undecodable } from './classify.ts';
import { auditRow } from './audit-row.ts';
import { AUDIT_PREFIX, decodeControl } from '@tokenledger/control';

/** Documents and claims are not the writer's; an audit record that a tombstone took was written before. */
export const classifyControl: Classify = (records, owner) => {
  const audits: NumberedRow[] = [];
  const undecodable: Undecodable[] = [];
  for (const record of records) {
    if (record.key?.startsWith(AUDIT_PREFIX) !== true || record.value === null) continue;
    const decoded = decodeControl(record.key, record.value);
    if (decoded?.kind === 'audit') audits.push(auditRow(decoded.record, record, owner));
    else undecodable.push({ record, code: 'AUDIT_UNREADABLE', message: 'it is not an audit record that this version can read' });
  }
  return { events: [], deadLetters: [], audits, undecodable };
};
