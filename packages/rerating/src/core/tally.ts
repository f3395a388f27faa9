/** What a re-rating changes, by tenant and model. Pure, but for the sums that it keeps. */
import type { AttemptRating, PicoUsd } from '@tokenledger/domain';
import type { Standing } from './standing.ts';

/** Sums of one tenant and model. Costs are of what is known; `unpriced` counts events of which nothing is. */
export interface TallyRow {
  readonly tenant: string;
  readonly model: string;
  readonly events: number;
  readonly corrected: number;
  readonly unpricedBefore: number;
  readonly unpricedAfter: number;
  readonly before: PicoUsd;
  readonly after: PicoUsd;
}

export interface Tally {
  /** `changes`: what is posted of it; null for nothing. */
  add(standing: Standing, changes: readonly AttemptRating[] | null): void;
  /** The largest difference first. */
  rows(): readonly TallyRow[];
}

type Sums = { -readonly [Field in keyof TallyRow]: TallyRow[Field] };

export function tally(): Tally {
  const sums = new Map<string, Sums>();
  return {
    add(standing, changes) {
      const { event, attempts } = standing;
      const row = rowOf(event.attribution.tenantId, event.servedModel === '' ? event.requestedModel : event.servedModel);
      const before = attempts.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
      row.events += 1;
      row.before += before;
      row.after += before + (changes ?? []).reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
      if (changes !== null) row.corrected += 1;
      if (attempts.every(({ cost }) => cost === null)) row.unpricedBefore += 1;
      if (attempts.every(({ cost }, index) => !isKnownAfter(cost !== null, changes?.[index]))) row.unpricedAfter += 1;
    },
    rows: () =>
      Array.from(sums.values()).toSorted(
        (left, right) => Number(magnitude(right) - magnitude(left)) || order(left.tenant, right.tenant) || order(left.model, right.model),
      ),
  };

  function rowOf(tenant: string, model: string): Sums {
    const key = JSON.stringify([tenant, model]);
    const known = sums.get(key);
    if (known !== undefined) return known;
    const row = { tenant, model, events: 0, corrected: 0, unpricedBefore: 0, unpricedAfter: 0, before: 0n, after: 0n };
    sums.set(key, row);
    return row;
  }
}

export function total(rows: readonly TallyRow[]): Omit<TallyRow, 'tenant' | 'model'> {
  const sum = { events: 0, corrected: 0, unpricedBefore: 0, unpricedAfter: 0, before: 0n, after: 0n };
  for (const row of rows) {
    sum.events += row.events;
    sum.corrected += row.corrected;
    sum.unpricedBefore += row.unpricedBefore;
    sum.unpricedAfter += row.unpricedAfter;
    sum.before += row.before;
    sum.after += row.after;
  }
  return sum;
}

function isKnownAfter(wasKnown: boolean, change: AttemptRating | undefined): boolean {
  if (change === undefined || change.cost === null) return wasKnown;
  return change.unpricedReason === '' || change.unpricedReason === 'repriced';
}

function magnitude({ before, after }: TallyRow): bigint {
  return after > before ? after - before : before - after;
}

function order(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
