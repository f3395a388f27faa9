import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HourCount, sliced } from './slices.ts';

const HOUR_MS = 3_600_000;
/** With more than a period has, as a selection is one. */
const PERIOD = { fromMs: HOUR_MS / 2, toMs: 100 * HOUR_MS, tenants: [] };
const ROWS_MAX = 100;

const counts: fc.Arbitrary<readonly HourCount[]> = fc
  .uniqueArray(fc.record({ tenant: fc.constantFrom('a', 'b', 'c', 'd'), hour: fc.nat(99), rows: fc.integer({ min: 1, max: 400 }) }), {
    selector: ({ tenant, hour }) => `${tenant} ${hour}`,
    maxLength: 60,
  })
  .map((all) =>
    all
      .map(({ tenant, hour, rows }) => ({ tenant, hourMs: hour * HOUR_MS, rows }))
      .toSorted((left, right) => left.tenant.localeCompare(right.tenant) || left.hourMs - right.hourMs),
  );

test('every hour of a tenant stands in one slice, or in all buckets of one, and none is too large', () => {
  fc.assert(
    fc.property(counts, (hours) => {
      const slices = sliced(hours, PERIOD, ROWS_MAX);
      for (const { rows, fromMs, toMs } of slices) {
        expect(rows).toBeLessThanOrEqual(ROWS_MAX);
        expect(fromMs).toBeGreaterThanOrEqual(PERIOD.fromMs);
        expect(toMs).toBeLessThanOrEqual(PERIOD.toMs);
      }
      for (const { tenant, hourMs } of hours) {
        const first = Math.max(hourMs, PERIOD.fromMs);
        const holding = slices.filter((slice) => slice.tenants.includes(tenant) && slice.fromMs <= first && first < slice.toMs);
        const [{ buckets } = { buckets: 0 }] = holding;
        expect(holding.map(({ bucket }) => bucket).toSorted((left, right) => left - right)).toEqual(
          Array.from({ length: buckets }, (_, index) => index),
        );
        expect(buckets).toBeGreaterThan(0);
      }
    }),
  );
});

test('small tenants share a slice', () => {
  const hours = ['a', 'b', 'c'].map((tenant) => ({ tenant, hourMs: HOUR_MS, rows: 40 }));
  expect(sliced(hours, PERIOD, ROWS_MAX).map(({ tenants }) => tenants)).toEqual([['a', 'b'], ['c']]);
});
