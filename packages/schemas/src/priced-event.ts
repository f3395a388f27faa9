/** The codec of `PricedEvent`. Amounts are decimal strings of USD; what is no such string is rejected, never guessed. */
import {
  type AttemptRating,
  formatUsd,
  type LineItem,
  parseUsd,
  type PicoUsd,
  type PricedEvent,
  isRejected,
  type Rejected,
  rejected,
  type UnpricedReason,
  type UsageClass,
} from '@tokenledger/domain';
import { recordCodec } from './record-codec.ts';
import { loadVersions } from './schema-versions.ts';
import { usageEventFromRow, usageEventRow, type UsageEventRow } from './usage-event.ts';

interface PricedEventRow {
  readonly event: UsageEventRow;
  readonly price_version: string;
  readonly ratings: readonly RatingRow[];
}

interface RatingRow {
  readonly cost: string | null;
  readonly unpriced_reason: UnpricedReason;
  readonly line_items: readonly LineItemRow[];
}

interface LineItemRow {
  readonly usage_class: UsageClass;
  readonly quantity: number;
  readonly unit_price: string;
  readonly per_units: number;
  readonly amount: string;
  readonly entry_id: string;
}

export const pricedEventCodec = recordCodec<PricedEvent, PricedEventRow>({
  versions: loadVersions('PricedEvent'),
  toRow: (priced) => ({
    event: usageEventRow(priced.event),
    price_version: priced.priceVersion,
    ratings: priced.ratings.map(ratingRow),
  }),
  fromRow: pricedEventFromRow,
});

function pricedEventFromRow(row: PricedEventRow): PricedEvent | Rejected {
  const ratings: AttemptRating[] = [];
  for (const ratingRow of row.ratings) {
    const rating = ratingFromRow(ratingRow);
    if (isRejected(rating)) return rating;
    ratings.push(rating);
  }
  return { event: usageEventFromRow(row.event), priceVersion: row.price_version, ratings };
}

function ratingRow(rating: AttemptRating): RatingRow {
  return {
    cost: rating.cost === null ? null : formatUsd(rating.cost),
    unpriced_reason: rating.unpricedReason,
    line_items: rating.lineItems.map((line) => ({
      usage_class: line.usageClass,
      quantity: line.quantity,
      unit_price: formatUsd(line.unitPrice),
      per_units: line.perUnits,
      amount: formatUsd(line.amount),
      entry_id: line.entryId,
    })),
  };
}

function ratingFromRow(row: RatingRow): AttemptRating | Rejected {
  const cost = row.cost === null ? null : amountFromRow('cost', row.cost);
  if (isRejected(cost)) return cost;
  const lineItems: LineItem[] = [];
  for (const line of row.line_items) {
    const unitPrice = amountFromRow('unit_price', line.unit_price);
    if (isRejected(unitPrice)) return unitPrice;
    const amount = amountFromRow('amount', line.amount);
    if (isRejected(amount)) return amount;
    lineItems.push({
      usageClass: line.usage_class,
      quantity: line.quantity,
      unitPrice,
      perUnits: line.per_units,
      amount,
      entryId: line.entry_id,
    });
  }
  return { cost, unpricedReason: row.unpriced_reason, lineItems };
}

function amountFromRow(field: string, text: string): PicoUsd | Rejected {
  const amount = parseUsd(text);
  return typeof amount === 'bigint' ? amount : rejected('UNDECODABLE', `${field}: ${amount.message}`);
}
