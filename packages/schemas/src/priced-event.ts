/** The codec of `PricedEvent`. Amounts are decimal strings of USD; what is no such string is rejected, never guessed. */
import {
  type AttemptRating,
  type ChargedClass,
  formatUsd,
  type LineItem,
  parseUsd,
  type PicoUsd,
  type PricedEvent,
  isRejected,
  type Rejected,
  rejected,
  type UnpricedReason,
} from '@tokenledger/domain';
import { avroType } from './avro-types.ts';
import { asBuffer } from './framing.ts';
import { recordCodec, SINGLE_OBJECT_HEADER_BYTES, singleObjectHeader, writeBehind } from './record-codec.ts';
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
  readonly usage_class: ChargedClass;
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

interface RecordSchema {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
}

const newest = loadVersions('PricedEvent').at(-1) as RecordSchema;
const newestEvent = avroType(loadVersions('UsageEvent').at(-1));
const [first, ...others] = newest.fields;
/** The bytes of an event stand in a priced one as they are, when it begins with an event of the same version. */
const beginsWithEvent = first?.name === 'event' && JSON.stringify(avroType(first.type).schema()) === JSON.stringify(newestEvent.schema());
const behindEvent = avroType({ ...newest, name: 'BehindEvent', fields: others });
const eventHeader = singleObjectHeader(newestEvent);
const pricedHeader = singleObjectHeader(avroType(newest));

/** Like the codec's `encode`, for an event that was decoded from `eventBytes`: where it can, it copies them, which is half the work. */
export function encodeBesideEvent(eventBytes: Uint8Array, priced: PricedEvent): Buffer {
  const bytes = asBuffer(eventBytes);
  if (!beginsWithEvent || !bytes.subarray(0, SINGLE_OBJECT_HEADER_BYTES).equals(eventHeader)) return pricedEventCodec.encode(priced);
  const row: Omit<PricedEventRow, 'event'> = { price_version: priced.priceVersion, ratings: priced.ratings.map(ratingRow) };
  return writeBehind(pricedHeader, bytes.subarray(SINGLE_OBJECT_HEADER_BYTES), behindEvent, row);
}

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
