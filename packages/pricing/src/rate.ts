/** Rating: usage × price → line items. Pure; the price book, what was agreed and the time come in as arguments. */
import { type AttemptRating, type Billing, type PicoUsd, type PricedEvent, scaleAmount, type UsageEvent, USD } from '@tokenledger/domain';
import { rateAgreed } from './agreed-rating.ts';
import { type AgreedSchedule, NOTHING_AGREED, termsOf } from './agreed-schedule.ts';
import type { AttemptTerms, RateCard } from './agreed-terms.ts';
import { rateByList, type Served } from './list-rating.ts';
import type { PriceBook } from './price-book.ts';

/** Rates every attempt of an event at the prices, and by what was agreed, in force when the request was accepted. */
export function rateEvent(event: UsageEvent, book: PriceBook, agreed: AgreedSchedule = NOTHING_AGREED): PricedEvent {
  const { attempts, occurredAtMs: atMs, avoidedUsage } = event;
  if (agreed.isEmpty) {
    return {
      event,
      priceVersion: book.version,
      ratings: attempts.map((attempt) => rateByList(attempt, book, atMs)),
      avoidedCost: avoidedUsage === null ? null : rateByList(avoidedAttempt(event), book, atMs).cost,
      billing: null,
    };
  }
  const card = agreed.rateCardAt(event.attribution.tenantId, atMs);
  const rated = (attempt: Served): AttemptRating => rate(attempt, book, atMs, termsOf(agreed.contractAt(attempt, atMs), card));
  const ratings = attempts.map(rated);
  return {
    event,
    priceVersion: book.version,
    ratings,
    avoidedCost: avoidedUsage === null ? null : rated(avoidedAttempt(event)).cost,
    billing: card === null ? null : billing(card, ratings, agreed, atMs),
  };
}

/** Rates one attempt as it was served: by the model that answered (the requested one where the answer named none), provider, tier and region, at the
 *  prices in force at `occurredAtMs`, by the contract and the rate card of `terms`; null: nothing was agreed. Amounts are in pico-USD (10⁻¹² USD),
 *  rounded once per line, half to even; negative only for negative quantities. An amount is null, and its reason says why, when usage or a price is
 *  unknown; lines that are known are kept. A quantity of 0 needs no price. */
export function rate(attempt: Served, book: PriceBook, occurredAtMs: number, terms: AttemptTerms | null = null): AttemptRating {
  return terms === null ? rateByList(attempt, book, occurredAtMs) : rateAgreed(attempt, book, terms, occurredAtMs);
}

/** An answer of the response cache, as if the provider had been asked. */
function avoidedAttempt(event: UsageEvent): Served {
  const { provider, channelId, requestedModel, servedModel, serviceTier, region, avoidedUsage: usage } = event;
  return { provider, channelId, requestedModel, servedModel, serviceTier, region, usage, usageReason: '', usageFlags: [] };
}

function billing({ id, currency }: RateCard, ratings: readonly AttemptRating[], agreed: AgreedSchedule, atMs: number): Billing {
  const billable = billableSum(ratings);
  const card = { rateCard: id, currency };
  if (currency === USD) return { ...card, amount: billable, fxRate: null, fxRateId: '', fxSource: '' };
  const fx = agreed.fxRateAt(currency, atMs);
  if (fx === null) return { ...card, amount: null, fxRate: null, fxRateId: '', fxSource: '' };
  return {
    ...card,
    amount: billable === null ? null : scaleAmount(billable, fx.perUsd),
    fxRate: fx.perUsd,
    fxRateId: fx.id,
    fxSource: fx.source,
  };
}

/** Null when nothing of it is known. */
function billableSum(ratings: readonly AttemptRating[]): PicoUsd | null {
  let sum: PicoUsd | null = null;
  for (const { cost, agreed } of ratings) {
    const billable = agreed === null ? cost : agreed.billable;
    if (billable !== null) sum = (sum ?? 0n) + billable;
  }
  return sum;
}
