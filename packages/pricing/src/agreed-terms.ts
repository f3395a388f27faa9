/** What was agreed about prices: with a provider (a contract) and with a tenant (a rate card). What depends on a month's volume is no part of either. */
import { type ChargedClass, divideHalfEven, type Factor, isRejected, ONE, parseUsd, rejected, type Rejected } from '@tokenledger/domain';
import type { ModelPrices, PriceSheet } from './model-prices.ts';
import type { PriceBook } from './price-book.ts';
import type { PriceEntry } from './price-entry.ts';

/** A provider account's contract. */
export interface Contract {
  /** Negotiated prices; they go before the list, and have no discount. */
  readonly prices: PriceBook | null;
  /** The first that fits a line holds for it. */
  readonly discounts: readonly Discount[];
}

export interface Discount {
  /** `''`: of every provider. */
  readonly provider: string;
  /** Beginnings of model names; none: every model. */
  readonly models: readonly string[];
  /** None: every class. */
  readonly classes: readonly ChargedClass[];
  /** What is left of the list price: 0.85 for 15 % off. */
  readonly factor: Factor;
}

/** What a tenant pays. */
export interface RateCard {
  /** Its own prices; they go before the markup. */
  readonly prices: PriceBook | null;
  /** What the markup is on: the list, or the cost to us. */
  readonly basis: 'list' | 'cost';
  /** 1.2 for 20 % on top. */
  readonly factor: Factor;
}

export const NO_CONTRACT: Contract = Object.freeze({ prices: null, discounts: [] });
/** Passes the cost on. */
export const AT_COST: RateCard = Object.freeze({ prices: null, basis: 'cost', factor: ONE });

/** So that the product of a discount and a markup is exact. */
const FACTOR_DECIMALS_MAX = 6;

/** Reads `0.85`: digits, at most six after the point. Rejects `FACTOR_INVALID`, negative ones too. */
export function parseFactor(text: string): Factor | Rejected {
  const scaled = parseUsd(text);
  const point = text.indexOf('.');
  const decimals = point < 0 ? 0 : text.length - point - 1;
  if (!isRejected(scaled) && scaled >= 0n && decimals <= FACTOR_DECIMALS_MAX) return scaled;
  return rejected('FACTOR_INVALID', `'${text}' is not a factor: write digits, at most six after the point, e.g. 0.85 for 15 % off`);
}

/** Exact for a discount and a markup. */
export function times(left: Factor, right: Factor): Factor {
  return divideHalfEven(left * right, ONE);
}

/** Prices of `first` where it has any, else those of `second`; undefined when neither knows the model. */
export function layered(first: ModelPrices | undefined, second: ModelPrices | undefined): ModelPrices | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const sheet = (serviceTier: string, region: string): PriceSheet => {
    const [own, common] = [first.sheet(serviceTier, region), second.sheet(serviceTier, region)];
    return {
      pricesAt(usageClass, atMs, inputTokens) {
        const found = own.pricesAt(usageClass, atMs, inputTokens);
        return found.length > 0 ? found : common.pricesAt(usageClass, atMs, inputTokens);
      },
    };
  };
  return {
    sheet,
    priceOf: ({ serviceTier, region, usageClass, atMs, inputTokens }) =>
      sheet(serviceTier, region).pricesAt(usageClass, atMs, inputTokens)[0],
    chargesRequests: first.chargesRequests || second.chargesRequests,
    entries: [...first.entries, ...second.entries],
  };
}

/** What is left of a list price. */
export function discountOf({ discounts }: Contract, provider: string, model: string, usageClass: ChargedClass): Factor {
  const name = model.toLowerCase();
  const found = discounts.find(
    (each) =>
      (each.provider === '' || each.provider === provider) &&
      (each.models.length === 0 || each.models.some((beginning) => name.startsWith(beginning.toLowerCase()))) &&
      (each.classes.length === 0 || each.classes.includes(usageClass)),
  );
  return found?.factor ?? ONE;
}

/** Whether a price stands in a book, as its entries know. */
export function stands(entry: PriceEntry, among: ModelPrices | undefined): boolean {
  return among?.entries.includes(entry) ?? false;
}
