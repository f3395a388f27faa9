/** Periods that were closed: what they cost was reported, so nobody corrects them by accident. Pure. */
import type { StatementFacts } from '@tokenledger/schemas';
import type { Period } from './slices.ts';

export interface ClosedPeriod extends Period {
  readonly id: string;
  /** `''`: of all tenants. */
  readonly tenant: string;
}

/** Those that a correction of this period and these tenants would touch. No tenant: all of them. */
export function touchedPeriods(
  closed: readonly ClosedPeriod[],
  { fromMs, toMs, tenants }: Period & { readonly tenants: readonly string[] },
): readonly ClosedPeriod[] {
  return closed.filter(
    (period) =>
      period.fromMs < toMs && fromMs < period.toMs && (period.tenant === '' || tenants.length === 0 || tenants.includes(period.tenant)),
  );
}

/** As it stands in a statement. */
export function reopenedFact({ id, tenant, fromMs, toMs }: ClosedPeriod): StatementFacts['reopened'][number] {
  return { id, tenant, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}
