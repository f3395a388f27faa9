/** What one attempt costs by the list, what it costs us, what its tenant pays, and what caching saved us, where something was agreed. Pure. */
import {
  type AttemptRating,
  type ChargedClass,
  type Factor,
  type LineItem,
  type LineParts,
  ONE,
  type PicoUsd,
  type UnpricedReason,
  type Usage,
  USAGE_CLASSES,
} from '@tokenledger/domain';
import { type AttemptTerms, discountOf, times } from './agreed-terms.ts';
import { candidatesOf, circumstancesOf, rateByList, type Served } from './list-rating.ts';
import { charge, type Circumstances, isBillable, type PriceTerms, ratedModel, savedByCache } from './charge.ts';
import { layered } from './layered-prices.ts';
import type { ModelPrices } from './model-prices.ts';
import type { PriceBook } from './price-book.ts';
import type { PriceEntry } from './price-entry.ts';

/** Each line is rounded once, half to even, from its exact product of quantity, price and factor; an amount that misses a part is null. */
export function rateAgreed(attempt: Served, book: PriceBook, terms: AttemptTerms, occurredAtMs: number): AttemptRating {
  const list = rateByList(attempt, book, occurredAtMs);
  const contract = terms.contract?.id ?? '';
  const { usage } = attempt;
  if (usage === null) return { ...list, agreed: sameFor(list, contract) };

  const priced = pricedBy(attempt, book, terms);
  const circumstances = circumstancesOf(attempt, usage, occurredAtMs);
  const cost = amountOf(attempt, usage, priced.cost, circumstances);
  const billable = amountOf(attempt, usage, priced.billable, circumstances);
  const saved =
    cost.amount === null || priced.cost === undefined
      ? null
      : savedByCache(usage, cost.lines, priced.cost.prices, circumstances, priced.cost);
  return {
    cost: cost.amount,
    unpricedReason: cost.reason,
    lineItems: merged(list.lineItems, cost.lines, billable.lines),
    saved,
    candidates: cost.reason === 'model_unknown' ? candidatesOf(attempt, book) : [],
    agreed: {
      contract,
      list: list.cost,
      listUnpricedReason: list.unpricedReason,
      billable: billable.amount,
      billableUnpricedReason: billable.reason,
    },
  };
}

function sameFor({ cost, unpricedReason }: AttemptRating, contract: string): AttemptRating['agreed'] {
  return { contract, list: cost, listUnpricedReason: unpricedReason, billable: cost, billableUnpricedReason: unpricedReason };
}

/** Prices of a model with what was agreed about each. */
interface AgreedPrices extends PriceTerms {
  readonly prices: ModelPrices;
}

function pricedBy(
  attempt: Served,
  book: PriceBook,
  { contract, rateCard }: AttemptTerms,
): { readonly cost: AgreedPrices | undefined; readonly billable: AgreedPrices | undefined } {
  const model = ratedModel(attempt);
  const listed = book.pricesOf(attempt.provider, model);
  const negotiated = contract?.prices?.pricesOf(attempt.provider, model);
  const own = rateCard?.prices?.pricesOf(attempt.provider, model);
  const discount = (entry: PriceEntry, usageClass: ChargedClass): Factor =>
    contract === null || stands(entry, negotiated) ? ONE : discountOf(contract, model, usageClass);
  const versionOf = (entry: PriceEntry): string => {
    if (stands(entry, own)) return rateCard?.prices?.version ?? '';
    return stands(entry, negotiated) ? (contract?.prices?.version ?? '') : '';
  };
  const atCost = layered(negotiated, listed);
  const cost = atCost === undefined ? undefined : { prices: atCost, factorOf: discount, versionOf };
  if (rateCard === null) return { cost, billable: cost };
  const charged = layered(own, rateCard.basis === 'list' ? listed : atCost);
  const factorOf = (entry: PriceEntry, usageClass: ChargedClass): Factor => {
    if (stands(entry, own)) return ONE;
    return rateCard.basis === 'list' ? rateCard.factor : times(discount(entry, usageClass), rateCard.factor);
  };
  return { cost, billable: charged === undefined ? undefined : { prices: charged, factorOf, versionOf } };
}

/** Whether a price stands in a book, as its entries know. */
function stands(entry: PriceEntry, among: ModelPrices | undefined): boolean {
  return among?.entries.includes(entry) ?? false;
}

interface Sum {
  readonly amount: PicoUsd | null;
  readonly reason: UnpricedReason;
  readonly lines: readonly LineItem[];
}

function amountOf(attempt: Served, usage: Usage, priced: AgreedPrices | undefined, circumstances: Circumstances): Sum {
  if (priced === undefined) return { amount: null, reason: 'model_unknown', lines: [] };
  const { cost, lines, missing } = charge(usage, priced.prices, circumstances, USAGE_CLASSES, priced);
  if (missing.length > 0) return { amount: null, reason: 'price_missing', lines };
  return isBillable(attempt, usage) ? { amount: cost, reason: '', lines } : { amount: null, reason: 'usage_unknown', lines };
}

const PARTS = ['list', 'cost', 'billable'] as const;

/** Lines that are the same in several amounts stand there once. */
function merged(
  ...lists: readonly [list: readonly LineItem[], cost: readonly LineItem[], billable: readonly LineItem[]]
): readonly LineItem[] {
  const found: { readonly line: LineItem; readonly parts: string[] }[] = [];
  for (const [index, lines] of lists.entries()) {
    const part = PARTS[index] as string;
    for (const line of lines) {
      const same = found.find((each) => !each.parts.includes(part) && isSame(each.line, line));
      if (same === undefined) found.push({ line, parts: [part] });
      else same.parts.push(part);
    }
  }
  return found.map(({ line, parts }) => ({ ...line, partOf: parts.join(',') as LineParts }));
}

function isSame(left: LineItem, right: LineItem): boolean {
  return (
    left.usageClass === right.usageClass &&
    left.entryId === right.entryId &&
    left.priceVersion === right.priceVersion &&
    left.quantity === right.quantity &&
    left.factor === right.factor
  );
}
