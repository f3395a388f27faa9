import { expect, test } from 'vitest';
import { bigintsAsText, type Differences, differencesSchema, shortened } from './differences.ts';
import { total } from './core/tally.ts';

const difference = (rows: number): Differences => ({
  rows: Array.from({ length: rows }, (_, index) => {
    const amount = { before: BigInt(index) * 10n ** 20n, after: -3n, unpricedBefore: index % 2, unpricedAfter: 1 };
    return {
      tenant: `tenant-${index}`,
      model: 'small',
      events: index,
      corrected: 1,
      amounts: { list: amount, cost: amount, billable: amount },
    };
  }),
  orphans: 3,
  retiredDays: ['2026-10-01'],
});

test('what was found is read as it was written', () => {
  const found = difference(3);
  expect(differencesSchema.parse(JSON.parse(JSON.stringify(found, bigintsAsText)))).toEqual(found);
});

test('many rows are kept as few of the same total', () => {
  const [few, many] = [difference(500), difference(1_200)];
  expect(shortened(few)).toBe(few);
  const kept = shortened(many);
  expect(kept.rows.length).toBe(500);
  expect(kept.rows.slice(0, 499)).toEqual(many.rows.slice(0, 499));
  expect(kept.rows.at(-1)).toMatchObject({ tenant: '', model: '' });
  expect(total(kept.rows)).toEqual(total(many.rows));
  expect(Buffer.byteLength(JSON.stringify(kept, bigintsAsText))).toBeLessThan(500_000);
});
