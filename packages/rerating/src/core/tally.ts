/** What a re-rating changes, by tenant and model. Pure, but for the sums that it keeps. */
import type { PicoUsd } from '@tokenledger/domain';
import { type AmountName, AMOUNTS, amountsOf, isKnownAfter, perAmount, type PerAmount } from './amounts.ts';
import type { Correction } from './adjustment.ts';
import { type Standing, standingSum } from './standing.ts';

/** One amount over some events: sums of what is known, and how many events it is unknown of. */
export interface AmountTally {
  readonly before: PicoUsd;
  readonly after: PicoUsd;
  readonly unpricedBefore: number;
  readonly unpricedAfter: number;
}

export interface TallySums {
  readonly events: number;
  readonly corrected: number;
  readonly amounts: PerAmount<AmountTally>;
}

export interface TallyRow extends TallySums {
  readonly tenant: string;
  readonly model: string;
}

export interface Tally {
  /** `posted`: how it is corrected. */
  add(standing: Standing, posted: readonly Correction[]): void;
  /** The largest difference in what we pay first. */
  rows(): readonly TallyRow[];
}

type Sums = { readonly tenant: string; readonly model: string; events: number; corrected: number; amounts: PerAmount<AmountTally> };

const NOTHING: AmountTally = { before: 0n, after: 0n, unpricedBefore: 0, unpricedAfter: 0 };

export function tally(): Tally {
  const sums = new Map<string, Sums>();
  return {
    add(standing, posted) {
      const { event } = standing;
      const row = rowOf(event.attribution.tenantId, event.servedModel === '' ? event.requestedModel : event.servedModel);
      const before = standingSum(standing);
      row.events += 1;
      if (posted.length > 0) row.corrected += 1;
      row.amounts = perAmount((name) => added(row.amounts[name], amountTally(before[name], after(standing, posted, name))));
    },
    rows: () =>
      Array.from(sums.values()).toSorted(
        (left, right) =>
          compared(magnitude(right), magnitude(left)) || compared(left.tenant, right.tenant) || compared(left.model, right.model),
      ),
  };

  function rowOf(tenant: string, model: string): Sums {
    const key = JSON.stringify([tenant, model]);
    const known = sums.get(key);
    if (known !== undefined) return known;
    const row: Sums = { tenant, model, events: 0, corrected: 0, amounts: perAmount(() => NOTHING) };
    sums.set(key, row);
    return row;
  }
}

export function total(rows: readonly TallyRow[]): TallySums {
  return rows.reduce<TallySums>(
    (sum, row) => ({
      events: sum.events + row.events,
      corrected: sum.corrected + row.corrected,
      amounts: perAmount((name) => added(sum.amounts[name], row.amounts[name])),
    }),
    { events: 0, corrected: 0, amounts: perAmount(() => NOTHING) },
  );
}

/** Null when it is known of no attempt. */
function after({ attempts }: Standing, [correction]: readonly Correction[], name: AmountName): PicoUsd | null {
  let sum: PicoUsd | null = null;
  for (const [index, { amounts }] of attempts.entries()) {
    const rating = correction?.ratings[index];
    const change = rating === undefined ? { value: null, reason: '' as const } : amountsOf(rating)[name];
    if (isKnownAfter(amounts[name] !== null, change)) sum = (sum ?? 0n) + (amounts[name] ?? 0n) + (change.value ?? 0n);
  }
  return sum;
}

function amountTally(before: PicoUsd | null, later: PicoUsd | null): AmountTally {
  return { before: before ?? 0n, after: later ?? 0n, unpricedBefore: Number(before === null), unpricedAfter: Number(later === null) };
}

function added(left: AmountTally, right: AmountTally): AmountTally {
  return {
    before: left.before + right.before,
    after: left.after + right.after,
    unpricedBefore: left.unpricedBefore + right.unpricedBefore,
    unpricedAfter: left.unpricedAfter + right.unpricedAfter,
  };
}

function magnitude({ amounts }: TallyRow): bigint {
  return AMOUNTS.reduce((most, name) => {
    const { before, after: later } = amounts[name];
    const moved = later > before ? later - before : before - later;
    return moved > most ? moved : most;
  }, 0n);
}

function compared<Value extends string | bigint>(left: Value, right: Value): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
