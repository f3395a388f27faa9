import type { AuditRecord, ControlRecord, ReadEvent } from '@tokenledger/control';
import { expect, test } from 'vitest';
import { createPendingChanges } from './pending-changes.ts';

const ID = '00000000-0000-7000-8000-00000000000a';
const OTHER = '00000000-0000-7000-8000-00000000000b';
const record: ControlRecord = {
  kind: 'tenant',
  id: 'acme',
  version: 1,
  epoch: 5,
  change_id: ID,
  change_size: 1,
  changed_at: '2026-01-01T00:00:00.000Z',
  changed_by: 'me',
  managed_by: 'api',
  document: null,
};
const audit = (n: number, changeId = ID): AuditRecord => ({
  change_id: changeId,
  n,
  epoch: 5,
  changed_at: record.changed_at,
  changed_by: 'me',
  managed_by: 'api',
  action: 'create',
  kind: 'tenant',
  id: 'acme',
  version_before: 0,
  version_after: 1,
  before: null,
  after: null,
  note: '',
  voids: '',
});
const audited = (n: number, changeId = ID): ReadEvent => ({ kind: 'audited', audit: audit(n, changeId), offset: 9 });
const applied: ReadEvent = { kind: 'applied', change: { changeId: ID, epoch: 5, records: [record] } };
const claimed = (epoch: number): ReadEvent => ({ kind: 'claimed', epoch, offset: epoch - 1, by: 'x' });
const stray: ReadEvent = { kind: 'stray', stray: record, offset: 9 };
const unreadable: ReadEvent = { kind: 'unreadable', key: 'x', offset: 9 };

test.each<readonly [string, number, readonly ReadEvent[], string]>([
  ['its documents and not yet all of its audit', 2, [applied, audited(1)], 'open'],
  ['all of it', 2, [applied, audited(1), audited(2)], 'applied'],
  ['its documents, where it has no audit', 0, [applied], 'applied'],
  ['another one', 1, [audited(1, OTHER), unreadable], 'open'],
  ['itself below a later claim', 1, [stray], 'void'],
  ['a later claim', 1, [claimed(6)], 'void'],
  ['its own claim, late', 1, [claimed(5)], 'open'],
  ['itself, then a later claim', 1, [applied, audited(1), claimed(6)], 'applied'],
  ['a later claim, then itself', 1, [claimed(6), stray], 'void'],
])('a change of which was read: %s', async (_name, auditRecords, events, expected) => {
  const pending = createPendingChanges();
  let fate = 'open';
  void pending.expect({ changeId: ID, epoch: 5, auditRecords }).then((known) => (fate = known));
  for (const event of events) pending.take(event);
  await Promise.resolve();
  expect([fate, pending.size]).toEqual([expected, expected === 'open' ? 1 : 0]);
});
