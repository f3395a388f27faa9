/** The codec of `PricedEvent`. Amounts are decimal strings of USD; what is no such string is rejected, never guessed. */
import {
  type AgreedAmounts,
  ALL_PARTS,
  type AttemptRating,
  type Billing,
  type ChargedClass,
  formatUsd,
  type LineItem,
  type LineParts,
  ONE,
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
  readonly avoided_cost: string | null;
  readonly billing: BillingRow | null;
}

interface RatingRow {
  readonly cost: string | null;
  readonly unpriced_reason: UnpricedReason;
  readonly line_items: readonly LineItemRow[];
  readonly line_terms: readonly LineTermsRow[];
  readonly saved: string | null;
  readonly candidates: readonly string[];
  readonly agreed: AgreedRow | null;
}

interface AgreedRow {
  readonly contract: string;
  readonly list_cost: string | null;
  readonly list_unpriced_reason: UnpricedReason;
  readonly billable: string | null;
  readonly billable_unpriced_reason: UnpricedReason;
}

interface BillingRow {
  readonly rate_card: string;
  readonly currency: string;
  readonly amount: string | null;
  readonly fx_rate: string | null;
  readonly fx_rate_id: string;
  readonly fx_source: string;
}

interface LineItemRow {
  readonly usage_class: ChargedClass;
  readonly quantity: number;
  readonly unit_price: string;
  readonly per_units: number;
  readonly amount: string;
  readonly entry_id: string;
}

interface LineTermsRow {
  readonly price_version: string;
  readonly factor: string;
  readonly part_of: LineParts;
}

export const pricedEventCodec = recordCodec<PricedEvent, PricedEventRow>({
  versions: loadVersions('PricedEvent'),
  toRow: (priced) => ({ event: usageEventRow(priced.event), ...rowBehindEvent(priced) }),
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
  return writeBehind(pricedHeader, bytes.subarray(SINGLE_OBJECT_HEADER_BYTES), behindEvent, rowBehindEvent(priced));
}

function pricedEventFromRow(row: PricedEventRow): PricedEvent | Rejected {
  const ratings: AttemptRating[] = [];
  for (const ratingRow of row.ratings) {
    const rating = ratingFromRow(ratingRow);
    if (isRejected(rating)) return rating;
    ratings.push(rating);
  }
  const avoidedCost = amountOrNull('avoided_cost', row.avoided_cost);
  if (isRejected(avoidedCost)) return avoidedCost;
  const billing = row.billing === null ? null : billingFromRow(row.billing);
  if (isRejected(billing)) return billing;
  return { event: usageEventFromRow(row.event), priceVersion: row.price_version, ratings, avoidedCost, billing };
}

function rowBehindEvent({ priceVersion, ratings, avoidedCost, billing }: PricedEvent): Omit<PricedEventRow, 'event'> {
  return {
    price_version: priceVersion,
    ratings: ratings.map(ratingRow),
    avoided_cost: textOrNull(avoidedCost),
    billing: billing === null ? null : billingRow(billing),
  };
}

function ratingRow(rating: AttemptRating): RatingRow {
  return {
    cost: textOrNull(rating.cost),
    unpriced_reason: rating.unpricedReason,
    line_items: rating.lineItems.map((line) => ({
      usage_class: line.usageClass,
      quantity: line.quantity,
      unit_price: formatUsd(line.unitPrice),
      per_units: line.perUnits,
      amount: formatUsd(line.amount),
      entry_id: line.entryId,
    })),
    line_terms: rating.lineItems.every(isPlain) ? NO_TERMS : rating.lineItems.map(lineTermsRow),
    saved: textOrNull(rating.saved),
    candidates: rating.candidates,
    agreed: rating.agreed === null ? null : agreedRow(rating.agreed),
  };
}

const NO_TERMS: readonly LineTermsRow[] = [];

/** Nothing was agreed about it. */
function isPlain({ priceVersion, factor, partOf }: LineItem): boolean {
  return priceVersion === '' && factor === ONE && partOf === ALL_PARTS;
}

function lineTermsRow({ priceVersion, factor, partOf }: LineItem): LineTermsRow {
  return { price_version: priceVersion, factor: formatUsd(factor), part_of: partOf };
}

function agreedRow(agreed: AgreedAmounts): AgreedRow {
  return {
    contract: agreed.contract,
    list_cost: textOrNull(agreed.list),
    list_unpriced_reason: agreed.listUnpricedReason,
    billable: textOrNull(agreed.billable),
    billable_unpriced_reason: agreed.billableUnpricedReason,
  };
}

function billingRow(billing: Billing): BillingRow {
  return {
    rate_card: billing.rateCard,
    currency: billing.currency,
    amount: textOrNull(billing.amount),
    fx_rate: textOrNull(billing.fxRate),
    fx_rate_id: billing.fxRateId,
    fx_source: billing.fxSource,
  };
}

function ratingFromRow(row: RatingRow): AttemptRating | Rejected {
  const cost = amountOrNull('cost', row.cost);
  if (isRejected(cost)) return cost;
  const saved = amountOrNull('saved', row.saved);
  if (isRejected(saved)) return saved;
  const agreed = row.agreed === null ? null : agreedFromRow(row.agreed);
  if (isRejected(agreed)) return agreed;
  const lineItems: LineItem[] = [];
  const { line_items: lines, line_terms: terms } = row;
  if (terms.length > 0 && terms.length !== lines.length) return rejected('UNDECODABLE', 'line_terms: there is not one per line item');
  for (const [index, line] of lines.entries()) {
    const unitPrice = amountFromRow('unit_price', line.unit_price);
    if (isRejected(unitPrice)) return unitPrice;
    const amount = amountFromRow('amount', line.amount);
    if (isRejected(amount)) return amount;
    const own = terms[index];
    const factor = own === undefined ? ONE : amountFromRow('factor', own.factor);
    if (isRejected(factor)) return factor;
    lineItems.push({
      usageClass: line.usage_class,
      quantity: line.quantity,
      unitPrice,
      perUnits: line.per_units,
      amount,
      entryId: line.entry_id,
      priceVersion: own?.price_version ?? '',
      factor,
      partOf: own?.part_of ?? ALL_PARTS,
    });
  }
  return { cost, unpricedReason: row.unpriced_reason, lineItems, saved, candidates: row.candidates, agreed };
}

function agreedFromRow(row: AgreedRow): AgreedAmounts | Rejected {
  const list = amountOrNull('list_cost', row.list_cost);
  if (isRejected(list)) return list;
  const billable = amountOrNull('billable', row.billable);
  if (isRejected(billable)) return billable;
  return {
    contract: row.contract,
    list,
    listUnpricedReason: row.list_unpriced_reason,
    billable,
    billableUnpricedReason: row.billable_unpriced_reason,
  };
}

function billingFromRow(row: BillingRow): Billing | Rejected {
  const amount = amountOrNull('billing.amount', row.amount);
  if (isRejected(amount)) return amount;
  const fxRate = amountOrNull('billing.fx_rate', row.fx_rate);
  if (isRejected(fxRate)) return fxRate;
  return { rateCard: row.rate_card, currency: row.currency, amount, fxRate, fxRateId: row.fx_rate_id, fxSource: row.fx_source };
}

function textOrNull(amount: PicoUsd | null): string | null {
  return amount === null ? null : formatUsd(amount);
}

function amountOrNull(field: string, text: string | null): PicoUsd | null | Rejected {
  return text === null ? null : amountFromRow(field, text);
}

function amountFromRow(field: string, text: string): PicoUsd | Rejected {
  const amount = parseUsd(text);
  return typeof amount === 'bigint' ? amount : rejected('UNDECODABLE', `${field}: ${amount.message}`);
}
