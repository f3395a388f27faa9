/** What was agreed about prices: with a provider (a contract) and with a tenant (a rate card); and what a currency is worth. What depends on a month's volume
 *  is no part of what events are rated by. Milliseconds since the epoch. */
import { type ChargedClass, divideHalfEven, type Factor, isRejected, ONE, parseUsd, rejected, type Rejected } from '@tokenledger/domain';
import type { PriceBook } from './price-book.ts';
import type { VolumeTerm } from './volume-terms.ts';

/** When something holds. */
export interface Period {
  readonly id: string;
  /** In force from here until just before the end; null: until another of its kind takes over. */
  readonly effectiveFromMs: number;
  readonly effectiveToMs: number | null;
  /** Events that occur from here on are rated by it as they stream; it may be later than `effectiveFromMs`, what was rated before is then rated again. */
  readonly activatesAtMs: number;
}

/** With a provider, for some or all of our accounts there. */
export interface Contract extends Period {
  readonly provider: string;
  /** Channels that it holds for; null: all of the provider's. Of two contracts the one that names the channel goes first. */
  readonly channels: readonly string[] | null;
  /** Negotiated prices; they go before the list, and have no discount. */
  readonly prices: PriceBook | null;
  /** The first that fits a line holds for it. */
  readonly discounts: readonly Discount[];
  /** Of what a month costs by this contract; the first that fits a line holds for it. */
  readonly volumeTerms: readonly VolumeTerm[];
}

export interface Discount {
  /** Beginnings of model names; none: every model. */
  readonly models: readonly string[];
  /** None: every class. */
  readonly classes: readonly ChargedClass[];
  /** What is left of the list price: 0.85 for 15 % off. */
  readonly factor: Factor;
}

/** What a tenant pays. */
export interface RateCard extends Period {
  /** `''`: every tenant that has none of its own. */
  readonly tenant: string;
  /** Its own prices; they go before the markup. */
  readonly prices: PriceBook | null;
  /** What the markup is on: the list, or the cost to us. */
  readonly basis: 'list' | 'cost';
  /** 1.2 for 20 % on top. */
  readonly factor: Factor;
  /** ISO 4217. */
  readonly currency: string;
  /** Of what a month costs a tenant by this card; the first that fits a line holds for it. */
  readonly volumeTerms: readonly VolumeTerm[];
}

export interface FxRate extends Period {
  readonly currency: string;
  /** Units of the currency for one USD. */
  readonly perUsd: Factor;
  /** Who stated it. */
  readonly source: string;
}

/** What one attempt is rated by beside the price book. Null: nothing was agreed. */
export interface AttemptTerms {
  readonly contract: Contract | null;
  readonly rateCard: RateCard | null;
}

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

/** What is left of a list price. */
export function discountOf({ discounts }: Contract, model: string, usageClass: ChargedClass): Factor {
  if (discounts.length === 0) return ONE;
  const name = model.toLowerCase();
  const found = discounts.find(
    ({ models, classes }) =>
      (models.length === 0 || models.some((beginning) => name.startsWith(beginning.toLowerCase()))) &&
      (classes.length === 0 || classes.includes(usageClass)),
  );
  return found?.factor ?? ONE;
}
