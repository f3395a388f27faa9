import { expect, test } from 'vitest';
import { auditTable } from './audit.ts';

test('a change is one line: when, who, what, from which version to which, and why', () => {
  const table = auditTable([
    {
      change_id: '019aa6c0-1111-7abc-8def-000000000001',
      n: 1,
      epoch: 4,
      changed_at: '2026-11-21T12:00:00.000Z',
      changed_by: 'ops',
      managed_by: 'api',
      action: 'revoke',
      kind: 'virtual_key',
      id: 'bot',
      version_before: 2,
      version_after: 3,
      before: {},
      after: {},
      note: 'left the company',
      voids: '',
    },
  ]);
  const [, line] = table.split('\n');
  expect(line?.split(/ {2,}/)).toEqual(['2026-11-21T12:00:00.000Z', 'ops', 'revoke', 'virtual_key/bot', '2 → 3', 'left the company']);
});
