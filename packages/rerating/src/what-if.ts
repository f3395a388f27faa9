/** What a period would have cost otherwise, by tenant and feature. Nothing is posted. */
import type { Attempt, PicoUsd, UsageEvent } from '@tokenledger/domain';
import { type Change, changedAttempt } from './core/what-if.ts';
import { eachStanding, type ReadOptions, type Unread } from './each-standing.ts';

export interface WhatIfOptions extends ReadOptions {
  readonly change: Change;
  /** What one attempt of an event costs us. Pico-USD; null when it is not known. Pure. */
  readonly costOf: (attempt: Attempt, event: UsageEvent) => PicoUsd | null;
}

/** Sums over the events that can be compared: their cost is known as it was and as it would have been. */
export interface WhatIfRow {
  readonly tenant: string;
  readonly feature: string;
  readonly compared: number;
  /** Left out of both sums. */
  readonly unknown: number;
  readonly cost: PicoUsd;
  readonly whatIf: PicoUsd;
}

export interface WhatIf extends Unread {
  /** The largest cost first. Events that nothing changes for are in no row. */
  readonly rows: readonly WhatIfRow[];
}

export async function whatIf(options: WhatIfOptions): Promise<WhatIf> {
  const { change, costOf } = options;
  const sums = new Map<string, { -readonly [Field in keyof WhatIfRow]: WhatIfRow[Field] }>();
  const unread = await eachStanding(options, ({ event, attempts }) => {
    const changed = event.attempts.map((attempt) => changedAttempt(attempt, change));
    if (changed.every((attempt) => attempt === null)) return;
    const { tenantId: tenant, feature } = event.attribution;
    const key = JSON.stringify([tenant, feature]);
    const row = sums.get(key) ?? { tenant, feature, compared: 0, unknown: 0, cost: 0n, whatIf: 0n };
    sums.set(key, row);
    let [cost, other]: [PicoUsd | null, PicoUsd | null] = [0n, 0n];
    for (const [index, attempt] of changed.entries()) {
      // What stays as it is costs what it did, known or not.
      if (attempt === null) continue;
      cost = plus(cost, attempts[index]?.amounts.cost ?? null);
      other = plus(other, costOf(attempt, event));
    }
    if (cost === null || other === null) row.unknown += 1;
    else {
      row.compared += 1;
      row.cost += cost;
      row.whatIf += other;
    }
  });
  const rows = [...sums.values()].toSorted((left, right) => (left.cost < right.cost ? 1 : left.cost > right.cost ? -1 : 0));
  return { ...unread, rows };
}

function plus(sum: PicoUsd | null, amount: PicoUsd | null): PicoUsd | null {
  return sum === null || amount === null ? null : sum + amount;
}
