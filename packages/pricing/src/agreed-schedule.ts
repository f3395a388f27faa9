/** Which contract, rate card and rate of exchange hold when: chosen by an event's own time alone, never by when a document was heard of. */
import type { AttemptTerms, Contract, FxRate, Period, RateCard } from './agreed-terms.ts';

export interface Agreements {
  readonly contracts: readonly Contract[];
  readonly rateCards: readonly RateCard[];
  readonly fxRates: readonly FxRate[];
}

/** By what time a document is chosen: `activated`, as events are rated while they stream; `effective`, when they are rated again. */
export type ChosenBy = 'activated' | 'effective';

export interface AgreedSchedule {
  /** No contract and no rate card at all. */
  readonly isEmpty: boolean;
  contractAt(account: { readonly provider: string; readonly channelId: string }, atMs: number): Contract | null;
  /** The tenant's own, else the one for everybody. */
  rateCardAt(tenant: string, atMs: number): RateCard | null;
  fxRateAt(currency: string, atMs: number): FxRate | null;
}

/** Of several that hold at a time the one with the latest `effectiveFromMs` does, of these the one activated last, of these the greatest id. */
export function agreedSchedule({ contracts, rateCards, fxRates }: Agreements, chosenBy: ChosenBy = 'activated'): AgreedSchedule {
  const holds = (each: Period, atMs: number): boolean =>
    (chosenBy === 'activated' ? Math.max(each.effectiveFromMs, each.activatesAtMs) : each.effectiveFromMs) <= atMs &&
    (each.effectiveToMs === null || atMs < each.effectiveToMs);
  const ofProvider = Map.groupBy(contracts.toSorted(latestFirst), ({ provider }) => provider);
  const ofTenant = Map.groupBy(rateCards.toSorted(latestFirst), ({ tenant }) => tenant);
  const ofCurrency = Map.groupBy(fxRates.toSorted(latestFirst), ({ currency }) => currency);
  const cardAt = (tenant: string, atMs: number): RateCard | undefined => ofTenant.get(tenant)?.find((each) => holds(each, atMs));
  return {
    isEmpty: contracts.length === 0 && rateCards.length === 0,
    contractAt({ provider, channelId }, atMs) {
      const known = ofProvider.get(provider);
      if (known === undefined) return null;
      const own = known.find((each) => each.channels?.includes(channelId) === true && holds(each, atMs));
      return own ?? known.find((each) => each.channels === null && holds(each, atMs)) ?? null;
    },
    rateCardAt: (tenant, atMs) => cardAt(tenant, atMs) ?? cardAt('', atMs) ?? null,
    fxRateAt: (currency, atMs) => ofCurrency.get(currency)?.find((each) => holds(each, atMs)) ?? null,
  };
}

export const NOTHING_AGREED: AgreedSchedule = Object.freeze(agreedSchedule({ contracts: [], rateCards: [], fxRates: [] }));

/** Null when nothing was agreed for an attempt. */
export function termsOf(contract: Contract | null, rateCard: RateCard | null): AttemptTerms | null {
  return contract === null && rateCard === null ? null : { contract, rateCard };
}

function latestFirst(left: Period, right: Period): number {
  return right.effectiveFromMs - left.effectiveFromMs || right.activatesAtMs - left.activatesAtMs || (left.id < right.id ? 1 : -1);
}
