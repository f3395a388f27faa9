/** Rating: usage × price → line items. Pure; the price book and the time come in as arguments. */
import {
  type Attempt,
  type AttemptRating,
  divideHalfEven,
  inputTokens,
  type LineItem,
  outputTokens,
  type PricedEvent,
  UNIT_CLASSES,
  type UnpricedReason,
  type Usage,
  USAGE_CLASSES,
  type UsageEvent,
} from '@tokenledger/domain';
import { pricedTier } from './price-entry.ts';
import type { PriceBook } from './price-book.ts';

/** Set by the reader of a surface when the provider also billed tokens of another model, or units that no class holds: a cost would be too low. */
const INCOMPLETE_FLAGS: ReadonlySet<string> = new Set(['other_model_usage', 'unclassified_units']);

const NO_LINES: readonly LineItem[] = Object.freeze([]);

/** Rates every attempt of an event at the prices in force when the request was accepted. */
export function rateEvent(event: UsageEvent, book: PriceBook): PricedEvent {
  return {
    event,
    priceVersion: book.version,
    ratings: event.attempts.map((attempt) => rate(attempt, book, event.occurredAtMs)),
  };
}

/** Rates one attempt as it was served: by the model that answered (the requested one where the answer named none), provider, tier and region, at the
 *  prices in force at `occurredAtMs`. Amounts are in pico-USD (10⁻¹² USD), rounded once per line, half to even; negative only for negative quantities.
 *  The cost is null, and `unpricedReason` says why, when usage or a price is unknown; lines that are known are kept. A quantity of 0 needs no price. */
export function rate(attempt: Attempt, book: PriceBook, occurredAtMs: number): AttemptRating {
  const { usage } = attempt;
  if (usage === null) return unpriced(attempt.usageReason === 'not_forwarded' ? 'not_forwarded' : 'usage_unknown', NO_LINES);
  const prices = book.pricesOf(attempt.provider, attempt.servedModel === '' ? attempt.requestedModel : attempt.servedModel);
  if (prices === undefined) return unpriced('model_unknown', NO_LINES);

  const input = inputTokens(usage);
  const serviceTier = pricedTier(attempt.serviceTier);
  const lines: LineItem[] = [];
  let cost = 0n;
  let missing = false;
  for (const usageClass of USAGE_CLASSES) {
    const quantity = usage[usageClass];
    if (quantity === null || quantity === 0) continue;
    const entry = prices.priceOf({ usageClass, serviceTier, region: attempt.region, atMs: occurredAtMs, inputTokens: input });
    if (entry === undefined) {
      missing = true;
      continue;
    }
    const amount = divideHalfEven(BigInt(quantity) * entry.price, BigInt(entry.perUnits));
    cost += amount;
    lines.push({ usageClass, quantity, unitPrice: entry.price, perUnits: entry.perUnits, amount, entryId: entry.id });
  }
  if (missing) return unpriced('price_missing', lines);
  if (isPartial(usage, input) || attempt.usageFlags.some((flag) => INCOMPLETE_FLAGS.has(flag))) return unpriced('usage_unknown', lines);
  return { cost, unpricedReason: '', lineItems: lines };
}

/** One side of the tokens is unknown, or everything is: what is known is not the cost. A surface whose answers have one side only states 0 for the other. */
function isPartial(usage: Usage, input: number | null): boolean {
  const output = outputTokens(usage);
  if (input === null && output === null) return UNIT_CLASSES.every((name) => usage[name] === null);
  return input === null || output === null;
}

function unpriced(unpricedReason: UnpricedReason, lineItems: readonly LineItem[]): AttemptRating {
  return { cost: null, unpricedReason, lineItems };
}
