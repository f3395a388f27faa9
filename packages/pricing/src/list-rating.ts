/** What one attempt costs by the price book alone. Pure. */
import {
  type Attempt,
  type AttemptRating,
  inputTokens,
  type LineItem,
  plainRating,
  type UnpricedReason,
  type Usage,
} from '@tokenledger/domain';
import { charge, type Circumstances, isBillable, ratedModel, savedByCache } from './charge.ts';
import type { PriceBook } from './price-book.ts';
import { pricedTier } from './price-entry.ts';

/** What of an attempt decides its price. */
export type Served = Pick<
  Attempt,
  'provider' | 'channelId' | 'requestedModel' | 'servedModel' | 'serviceTier' | 'region' | 'usage' | 'usageReason' | 'usageFlags'
>;

const NO_LINES: readonly LineItem[] = Object.freeze([]);
/** Enough for somebody to see what was meant. */
const CANDIDATES_MAX = 3;
/** Names of models come with requests: more of them than anybody serves are not kept. */
const NAMES_KEPT_MAX = 1_000;

export function rateByList(attempt: Served, book: PriceBook, occurredAtMs: number): AttemptRating {
  const { usage } = attempt;
  if (usage === null) return unpriced(reasonWithoutUsage(attempt), NO_LINES);
  const prices = book.pricesOf(attempt.provider, ratedModel(attempt));
  if (prices === undefined) {
    return plainRating({ cost: null, unpricedReason: 'model_unknown', lineItems: NO_LINES, candidates: candidatesOf(attempt, book) });
  }
  const circumstances = circumstancesOf(attempt, usage, occurredAtMs);
  const { lines, cost, missing } = charge(usage, prices, circumstances);
  if (missing.length > 0) return unpriced('price_missing', lines);
  if (!isBillable(attempt, usage)) return unpriced('usage_unknown', lines);
  return plainRating({ cost, unpricedReason: '', lineItems: lines, saved: savedByCache(usage, lines, prices, circumstances) });
}

function reasonWithoutUsage({ usageReason }: Served): UnpricedReason {
  return usageReason === 'not_forwarded' ? 'not_forwarded' : 'usage_unknown';
}

export function circumstancesOf(attempt: Served, usage: Usage, occurredAtMs: number): Circumstances {
  return {
    serviceTier: pricedTier(attempt.serviceTier),
    region: attempt.region,
    atMs: occurredAtMs,
    inputTokens: inputTokens(usage),
  };
}

function unpriced(unpricedReason: UnpricedReason, lineItems: readonly LineItem[]): AttemptRating {
  return plainRating({ cost: null, unpricedReason, lineItems });
}

const known = new WeakMap<PriceBook, Map<string, readonly string[]>>();

/** A model without a price has many events, and looking at all names takes a millisecond. */
export function candidatesOf(attempt: Served, book: PriceBook): readonly string[] {
  let ofBook = known.get(book);
  if (ofBook === undefined) known.set(book, (ofBook = new Map()));
  const model = ratedModel(attempt);
  const key = `${attempt.provider}\n${model}`;
  let names = ofBook.get(key);
  if (names === undefined) {
    if (ofBook.size >= NAMES_KEPT_MAX) ofBook.clear();
    ofBook.set(key, (names = book.candidates(attempt.provider, model, CANDIDATES_MAX)));
  }
  return names;
}
