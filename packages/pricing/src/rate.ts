/** Rating: usage × price → line items. Pure; the price book and the time come in as arguments. */
import {
  ALL_PARTS,
  type Attempt,
  type AttemptRating,
  type ChargedClass,
  divideHalfEven,
  type Factor,
  inputTokens,
  type LineItem,
  ONE,
  outputTokens,
  type PicoUsd,
  plainRating,
  type PricedEvent,
  UNIT_CLASSES,
  type UnpricedReason,
  type Usage,
  USAGE_CLASSES,
  type UsageEvent,
} from '@tokenledger/domain';
import type { ModelPrices, PriceQuestion } from './model-prices.ts';
import type { PriceBook } from './price-book.ts';
import { pricedTier, type PriceEntry } from './price-entry.ts';

/** Set by the reader of a surface when the provider also billed tokens of another model, or units that no class holds: a cost would be too low. */
const INCOMPLETE_FLAGS: ReadonlySet<string> = new Set(['other_model_usage', 'unclassified_units']);

const NO_LINES: readonly LineItem[] = Object.freeze([]);

/** Rates every attempt of an event at the prices in force when the request was accepted. */
export function rateEvent(event: UsageEvent, book: PriceBook): PricedEvent {
  return {
    event,
    priceVersion: book.version,
    ratings: event.attempts.map((attempt) => rate(attempt, book, event.occurredAtMs)),
    avoidedCost: null,
    billing: null,
  };
}

/** Rates one attempt as it was served: by the model that answered (the requested one where the answer named none), provider, tier and region, at the
 *  prices in force at `occurredAtMs`. Amounts are in pico-USD (10⁻¹² USD), rounded once per line, half to even; negative only for negative quantities.
 *  The cost is null, and `unpricedReason` says why, when usage or a price is unknown; lines that are known are kept. A quantity of 0 needs no price. */
export function rate(attempt: Attempt, book: PriceBook, occurredAtMs: number): AttemptRating {
  const { usage } = attempt;
  if (usage === null) return unpriced(attempt.usageReason === 'not_forwarded' ? 'not_forwarded' : 'usage_unknown', NO_LINES);
  const prices = book.pricesOf(attempt.provider, ratedModel(attempt));
  if (prices === undefined) return unpriced('model_unknown', NO_LINES);

  const input = inputTokens(usage);
  const { lines, cost, missing } = charge(usage, prices, {
    serviceTier: pricedTier(attempt.serviceTier),
    region: attempt.region,
    atMs: occurredAtMs,
    inputTokens: input,
  });
  if (missing.length > 0) return unpriced('price_missing', lines);
  if (!isBillable(attempt, usage)) return unpriced('usage_unknown', lines);
  return plainRating({ cost, unpricedReason: '', lineItems: lines });
}

/** Whether the usage is all that was billed. */
export function isBillable({ usageFlags }: Pick<Attempt, 'usageFlags'>, usage: Usage): boolean {
  return !isPartial(usage, inputTokens(usage)) && !usageFlags.some((flag) => INCOMPLETE_FLAGS.has(flag));
}

/** The model whose price counts. */
export function ratedModel({ servedModel, requestedModel }: Pick<Attempt, 'servedModel' | 'requestedModel'>): string {
  return servedModel === '' ? requestedModel : servedModel;
}

/** Units to charge for; what is absent, null or 0 costs nothing. Fractions of a unit are not charged: quantities are whole. */
export type Quantities = Readonly<Partial<Record<ChargedClass, number | null>>>;

export interface Charged {
  readonly lines: readonly LineItem[];
  /** Sum of the lines: the whole cost only while nothing is missing. */
  readonly cost: PicoUsd;
  /** Classes with a quantity and no price in force. */
  readonly missing: readonly ChargedClass[];
}

/** Quantities at the prices of one model, and once what it charges for a request as such. `factorOf`: what is left of a price by what was agreed. */
export function charge(
  quantities: Quantities,
  prices: ModelPrices,
  circumstances: Omit<PriceQuestion, 'usageClass'>,
  classes: readonly ChargedClass[] = USAGE_CLASSES,
  factorOf?: (entry: PriceEntry, usageClass: ChargedClass) => Factor,
): Charged {
  const { atMs, inputTokens: input } = circumstances;
  const sheet = prices.sheet(circumstances.serviceTier, circumstances.region);
  const lines: LineItem[] = [];
  const missing: ChargedClass[] = [];
  let cost = 0n;
  const add = (usageClass: ChargedClass, quantity: number): void => {
    const entries = sheet.pricesAt(usageClass, atMs, input);
    if (entries.length === 0) missing.push(usageClass);
    for (const entry of entries) {
      const units = unitsAt(entry, quantity);
      if (units === 0) continue;
      const factor = factorOf === undefined ? ONE : factorOf(entry, usageClass);
      const amount = amountOf(units, entry, factor);
      cost += amount;
      lines.push({
        usageClass,
        quantity: units,
        unitPrice: entry.price,
        perUnits: entry.perUnits,
        amount,
        entryId: entry.id,
        factor,
        partOf: ALL_PARTS,
      });
    }
  };
  for (const usageClass of classes) {
    const quantity = quantities[usageClass] ?? 0;
    if (quantity !== 0) add(usageClass, quantity);
  }
  if (prices.chargesRequests && !classes.includes('requests')) add('requests', 1);
  return { lines, cost, missing };
}

function amountOf(units: number, { price, perUnits }: PriceEntry, factor: Factor): PicoUsd {
  const [exact, per] = [BigInt(units) * price, BigInt(perUnits)];
  return factor === ONE ? divideHalfEven(exact, per) : divideHalfEven(exact * factor, per * ONE);
}

/** How many of an attempt's units an entry is the price of: all, unless it is marginal. A correction takes from the first unit on, like what it corrects. */
function unitsAt({ aboveUnits, upToUnits }: PriceEntry, quantity: number): number {
  if (aboveUnits === 0 && upToUnits === null) return quantity;
  const magnitude = Math.abs(quantity);
  const units = Math.max(0, Math.min(magnitude, upToUnits ?? Infinity) - aboveUnits);
  return quantity < 0 ? -units : units;
}

/** One side of the tokens is unknown, or everything is: what is known is not the cost. A surface whose answers have one side only states 0 for the other. */
function isPartial(usage: Usage, input: number | null): boolean {
  const output = outputTokens(usage);
  if (input === null && output === null) return UNIT_CLASSES.every((name) => usage[name] === null);
  return input === null || output === null;
}

function unpriced(unpricedReason: UnpricedReason, lineItems: readonly LineItem[]): AttemptRating {
  return plainRating({ cost: null, unpricedReason, lineItems });
}
