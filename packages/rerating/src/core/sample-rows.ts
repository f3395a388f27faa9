/** Rows for tests: a priced event as the ledger gives it back. */
import { type PricedEvent, USD } from '@tokenledger/domain';
import { amountsOf } from './amounts.ts';
import type { LedgerRow } from './standing.ts';

export function rowOf({ event, ratings, avoidedCost, billing, priceVersion }: PricedEvent): LedgerRow {
  const known = ratings.flatMap((rating) => amountsOf(rating).billable.value ?? []);
  const billable = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0n);
  return {
    event,
    partition: 0,
    attempts: ratings.map((rating) => ({
      amounts: amountsOf(rating),
      saved: rating.saved,
      lines: rating.lineItems.map((each) => ({ ...each, priceVersion: each.priceVersion || priceVersion })),
    })),
    avoidedCost,
    currency: billing?.currency ?? USD,
    billed: billing === null ? billable : billing.amount,
  };
}
