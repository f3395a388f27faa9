import type { AuditRecord, ReadEvent } from '@tokenledger/control';
import { expect, test } from 'vitest';
import { createAuditTrail } from './audit-trail.ts';

const changeId = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const audited = (number: number, more: Partial<AuditRecord> = {}): ReadEvent => ({
  kind: 'audited',
  offset: number * 2,
  audit: {
    change_id: changeId(number),
    n: 1,
    epoch: 1,
    changed_at: '2026-01-01T00:00:00.000Z',
    changed_by: 'me',
    managed_by: 'api',
    action: 'create',
    kind: 'tenant',
    id: `t${number % 2}`,
    version_before: 0,
    version_after: 1,
    before: null,
    after: null,
    note: String(number),
    voids: '',
    ...more,
  },
});
const notes = ({ records }: { readonly records: readonly AuditRecord[] }): readonly string[] => records.map(({ note }) => note);

function trailOf(events: readonly ReadEvent[], keptMax?: number) {
  const trail = createAuditTrail(keptMax);
  for (const event of events) trail.take(event);
  return trail;
}
const five = [1, 2, 3, 4, 5].map((number) => audited(number));

test('pages go from the newest to the oldest and meet each once', () => {
  const trail = trailOf(five);
  const first = trail.page({ limit: 2, beforeOffset: undefined });
  const second = trail.page({ limit: 2, beforeOffset: first.nextOffset ?? undefined });
  const third = trail.page({ limit: 2, beforeOffset: second.nextOffset ?? undefined });
  expect([first, second, third].map((page) => notes(page))).toEqual([['5', '4'], ['3', '2'], ['1']]);
  expect(third.nextOffset).toBeNull();
});

test('a page of one document has only its records', () => {
  expect(notes(trailOf(five).page({ id: 't1', limit: 10, beforeOffset: undefined }))).toEqual(['5', '3', '1']);
  expect(notes(trailOf(five).page({ kind: 'owner', limit: 10, beforeOffset: undefined }))).toEqual([]);
});

test('the oldest are forgotten beyond the bound, a repeat is not counted', () => {
  expect(notes(trailOf([...five, audited(5), audited(4)], 3).page({ limit: 10, beforeOffset: undefined }))).toEqual(['5', '4', '3']);
});

test('a change that is called void is left out, what calls it void stays', () => {
  const trail = trailOf([...five, audited(6, { action: 'void', voids: changeId(3) })]);
  expect(notes(trail.page({ limit: 10, beforeOffset: undefined }))).toEqual(['6', '5', '4', '2', '1']);
});
