/** What a re-rating found before anything is posted, and how its statement keeps it: for whoever posts the statement later. Pure. */
import { z } from 'zod';
import type { PerAmount } from './core/amounts.ts';
import { type TallyRow, total } from './core/tally.ts';

export interface Differences {
  readonly rows: readonly TallyRow[];
  /** Corrections whose events have left by retention: nothing is corrected there. */
  readonly orphans: number;
  /** Days of which raw rows have left: what they cost stands as it is. */
  readonly retiredDays: readonly string[];
}

/** Rows that a statement keeps: its record must stay small. */
const KEPT_ROWS_MAX = 500;

const count = z.int().min(0);
const pico = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);
const amountSchema = z.object({ before: pico, after: pico, unpricedBefore: count, unpricedAfter: count });

/** Of what `JSON.stringify` with `bigintsAsText` wrote. */
export const differencesSchema = z.object({
  rows: z.array(
    z.object({
      tenant: z.string(),
      model: z.string(),
      events: count,
      corrected: count,
      amounts: z.object({ list: amountSchema, cost: amountSchema, billable: amountSchema } satisfies PerAmount<typeof amountSchema>),
    }),
  ),
  orphans: count,
  retiredDays: z.array(z.string()),
});

export function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** With the same total: the rows behind the first 500 as one, without tenant and model. */
export function shortened(differences: Differences): Differences {
  const { rows, ...found } = differences;
  if (rows.length <= KEPT_ROWS_MAX) return differences;
  const kept = rows.slice(0, KEPT_ROWS_MAX - 1);
  return { rows: [...kept, { tenant: '', model: '', ...total(rows.slice(kept.length)) }], ...found };
}
