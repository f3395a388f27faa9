/** The four amounts of an attempt: what it costs by the list, what it costs us, what its tenant pays, and what caching saved us. */
import {
  type Attempt,
  type AttemptRating,
  type ChargedClass,
  type Factor,
  inputTokens,
  type LineItem,
  ONE,
  type PicoUsd,
  type Usage,
  USAGE_CLASSES,
} from '@tokenledger/domain';
import { AT_COST, type Contract, discountOf, layered, NO_CONTRACT, type RateCard, stands, times } from './agreed-terms.ts';
import type { ModelPrices, PriceQuestion } from './model-prices.ts';
import type { PriceBook } from './price-book.ts';
import { pricedTier, type PriceEntry } from './price-entry.ts';
import { charge, isBillable, rate, ratedModel } from './rate.ts';

export interface Terms {
  readonly book: PriceBook;
  readonly contract?: Contract;
  readonly rateCard?: RateCard;
}

/** Pico-USD; null when it is not known. An amount that misses a part is null. */
export interface AttemptAmounts {
  readonly list: AttemptRating;
  readonly cost: PicoUsd | null;
  readonly billable: PicoUsd | null;
  /** What input would have cost without a cache, less what it did cost, writing to the cache included: negative where a cache was written and hardly read. */
  readonly saved: PicoUsd | null;
  readonly costLines: readonly LineItem[];
  readonly billableLines: readonly LineItem[];
}

const NO_LINES: readonly LineItem[] = Object.freeze([]);

/** What each class of cached input would have been without a cache. */
const UNCACHED: Partial<Record<ChargedClass, ChargedClass>> = {
  cache_read: 'uncached_input',
  cache_write_5m: 'uncached_input',
  cache_write_1h: 'uncached_input',
  cached_audio: 'input_audio',
};

/** Rates one attempt by all that was agreed. Each line is rounded once, half to even, from its exact product of quantity, price and factors. */
export function rateAmounts(attempt: Attempt, terms: Terms, occurredAtMs: number): AttemptAmounts {
  const { book, contract = NO_CONTRACT, rateCard = AT_COST } = terms;
  const list = rate(attempt, book, occurredAtMs);
  const { usage, provider } = attempt;
  const nothing: AttemptAmounts = { list, cost: null, billable: null, saved: null, costLines: NO_LINES, billableLines: NO_LINES };
  if (usage === null || !isBillable(attempt, usage)) return nothing;

  const model = ratedModel(attempt);
  const listed = book.pricesOf(provider, model);
  const negotiated = contract.prices?.pricesOf(provider, model);
  const own = rateCard.prices?.pricesOf(provider, model);
  const atCost = layered(negotiated, listed);
  const basis = rateCard.basis === 'list' ? listed : atCost;
  const charged = layered(own, basis);
  const circumstances = {
    serviceTier: pricedTier(attempt.serviceTier),
    region: attempt.region,
    atMs: occurredAtMs,
    inputTokens: inputTokens(usage),
  };
  const costFactor = (entry: PriceEntry, usageClass: ChargedClass): Factor =>
    stands(entry, negotiated) ? ONE : discountOf(contract, provider, model, usageClass);
  const billableFactor = (entry: PriceEntry, usageClass: ChargedClass): Factor => {
    if (stands(entry, own)) return ONE;
    return rateCard.basis === 'list' ? rateCard.factor : times(costFactor(entry, usageClass), rateCard.factor);
  };
  const cost = sumOf(usage, atCost, circumstances, costFactor);
  const billable = sumOf(usage, charged, circumstances, billableFactor);
  return {
    list,
    cost: cost.amount,
    billable: billable.amount,
    saved: cost.amount === null ? null : savedBy(usage, cost.lines, atCost, circumstances, costFactor),
    costLines: cost.lines,
    billableLines: billable.lines,
  };
}

type Circumstances = Omit<PriceQuestion, 'usageClass'>;
type FactorOf = (entry: PriceEntry, usageClass: ChargedClass) => Factor;

interface Sum {
  readonly amount: PicoUsd | null;
  readonly lines: readonly LineItem[];
}

function sumOf(usage: Usage, prices: ModelPrices | undefined, circumstances: Circumstances, factorOf: FactorOf): Sum {
  if (prices === undefined) return { amount: null, lines: NO_LINES };
  const { cost, lines, missing } = charge(usage, prices, circumstances, USAGE_CLASSES, factorOf);
  return { amount: missing.length > 0 ? null : cost, lines };
}

/** Null when nobody knows what the input would have cost without a cache. */
function savedBy(
  usage: Usage,
  lines: readonly LineItem[],
  prices: ModelPrices | undefined,
  circumstances: Circumstances,
  factorOf: FactorOf,
): PicoUsd | null {
  const sheet = prices?.sheet(circumstances.serviceTier, circumstances.region);
  if (prices === undefined || sheet === undefined) return null;
  let saved = 0n;
  for (const [cached, uncached] of Object.entries(UNCACHED) as [keyof Usage, ChargedClass][]) {
    const quantity = usage[cached] ?? 0;
    if (quantity === 0) continue;
    const without = charge({ [uncached]: quantity }, { ...prices, chargesRequests: false }, circumstances, [uncached], factorOf);
    if (without.missing.length > 0) return null;
    const paid = lines.reduce((sum, line) => (line.usageClass === cached ? sum + line.amount : sum), 0n);
    saved += without.cost - paid;
  }
  return saved;
}
