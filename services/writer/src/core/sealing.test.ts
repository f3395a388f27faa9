import { expect, test } from 'vitest';
import { type BaseCount, dayOf, planSealing, type SealedCount, type SealingState } from './sealing.ts';

const DAY = '2026-03-10';
const at = (day: string, hour = 0): number => Date.parse(`${day}T${String(hour).padStart(2, '0')}:00:00Z`);
const base = (rows: number, tenantId = 'acme'): BaseCount => ({ day: DAY, tenantId, rows });
const sealed = (rows: number, retired = false, tenantId = 'acme'): SealedCount => ({ day: DAY, tenantId, rows, retired });
const KEEP_ALL = { days: 0, byTenant: new Map<string, number>() };
const plan = (state: Partial<SealingState>) =>
  planSealing({
    base: [],
    sealed: [],
    watermarkMs: at('2026-03-11', 1),
    nowMs: at('2026-06-01'),
    retention: KEEP_ALL,
    leavingRowsMax: 100,
    ...state,
  });
const BUILD = { day: DAY, retired: [], clears: false };
const KEEP_3 = { days: 3, byTenant: new Map<string, number>() };
const LATER_MS = at('2026-03-14', 1);

test.each([
  { given: 'a day that is not over', state: { base: [base(5)], watermarkMs: at('2026-03-10', 23) }, plans: [] },
  { given: 'a day that has just ended', state: { base: [base(5)], watermarkMs: at('2026-03-11') }, plans: [BUILD] },
  { given: 'a day that is sealed as it is', state: { base: [base(5)], sealed: [sealed(5)] }, plans: [] },
  { given: 'an event that came late', state: { base: [base(6)], sealed: [sealed(5)] }, plans: [BUILD] },
  { given: 'a tenant that came late', state: { base: [base(5), base(1, 'zeta')], sealed: [sealed(5)] }, plans: [BUILD] },
  { given: 'rows that are gone', state: { base: [], sealed: [sealed(5)] }, plans: [BUILD] },
  {
    given: 'a day kept for long enough',
    state: { base: [base(5)], sealed: [sealed(5)], retention: KEEP_3, watermarkMs: LATER_MS },
    plans: [{ day: DAY, retired: ['acme'], clears: true }],
  },
  {
    given: 'a day that must stay for one more',
    state: { base: [base(5)], sealed: [sealed(5)], retention: KEEP_3, watermarkMs: LATER_MS - 86_400_000 },
    plans: [],
  },
  {
    given: 'an event of the far future',
    state: { base: [base(5)], sealed: [sealed(5)], retention: KEEP_3, watermarkMs: at('2030-01-01'), nowMs: at('2026-03-11', 2) },
    plans: [],
  },
  { given: 'raw rows that have left', state: { sealed: [sealed(5, true)], retention: KEEP_3, watermarkMs: LATER_MS }, plans: [] },
  {
    given: 'an event of a day whose raw rows have left',
    state: { base: [base(1)], sealed: [sealed(5, true)], watermarkMs: LATER_MS },
    plans: [{ day: DAY, retired: ['acme'], clears: true }],
  },
])('$given: $plans.length days are built', ({ state, plans }) => {
  expect(plan(state)).toEqual(plans);
});

test('each tenant keeps its raw rows for as long as it wants', () => {
  const rows = [base(1, 'a'), base(2, 'b'), base(3, 'c')];
  const retention = {
    days: 3,
    byTenant: new Map([
      ['b', 30],
      ['c', 0],
    ]),
  };
  expect(plan({ base: rows, retention, watermarkMs: LATER_MS })).toEqual([{ day: DAY, retired: ['a'], clears: true }]);
});

test('a tenant that is retired stays so when another one of its day is sealed anew, and when it is kept longer from now on', () => {
  expect(plan({ base: [base(2, 'b')], sealed: [sealed(5, true), sealed(1, false, 'b')] })).toEqual([
    { day: DAY, retired: ['acme'], clears: false },
  ]);
});

test('days come in order', () => {
  const days = ['2026-03-09', '2026-03-07', '2026-03-08'];
  expect(plan({ base: days.map((day) => ({ day, tenantId: 'a', rows: 1 })) }).map(({ day }) => day)).toEqual(days.toSorted());
  expect(dayOf(at('2026-03-07', 23))).toBe('2026-03-07');
});

test('of very many rows some leave now and the others later; one tenant always does', () => {
  const state = { retention: KEEP_3, watermarkMs: LATER_MS, leavingRowsMax: 10 };
  const rows = [base(50, 'a'), base(6, 'b'), base(5, 'c')];
  const leaving = (given: readonly BaseCount[], before: readonly SealedCount[]) =>
    plan({ ...state, base: given, sealed: before })[0]?.retired;
  expect(leaving(rows, [])).toEqual(['a']);
  const first = [sealed(50, true, 'a'), sealed(6, false, 'b'), sealed(5, false, 'c')];
  expect(leaving(rows.slice(1), first)).toEqual(['a', 'b']);
  expect(leaving(rows.slice(2), [sealed(50, true, 'a'), sealed(6, true, 'b'), sealed(5, false, 'c')])).toEqual(['a', 'b', 'c']);
});
