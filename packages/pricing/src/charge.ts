/** Charging: quantities at the prices of one model → line items. Pure. */
import {
  ALL_PARTS,
  type Attempt,
  type ChargedClass,
  divideHalfEven,
  type Factor,
  inputTokens,
  type LineItem,
  ONE,
  outputTokens,
  type PicoUsd,
  UNIT_CLASSES,
  type Usage,
  USAGE_CLASSES,
} from '@tokenledger/domain';
import type { ModelPrices, PriceQuestion, PriceSheet } from './model-prices.ts';
import type { PriceEntry } from './price-entry.ts';

/** Units to charge for; what is absent, null or 0 costs nothing. Fractions of a unit are not charged: quantities are whole. */
export type Quantities = Readonly<Partial<Record<ChargedClass, number | null>>>;

export interface Charged {
  readonly lines: readonly LineItem[];
  /** Sum of the lines: the whole cost only while nothing is missing. */
  readonly cost: PicoUsd;
  /** Classes with a quantity and no price in force. */
  readonly missing: readonly ChargedClass[];
}

/** What holds for all lines of an attempt. */
export type Circumstances = Omit<PriceQuestion, 'usageClass'>;

/** What was agreed about single prices. */
export interface PriceTerms {
  /** What is left of a price, or what is put on top of it. */
  factorOf(entry: PriceEntry, usageClass: ChargedClass): Factor;
  /** Content hash of the prices that an entry stands in; `''`: the price book. */
  versionOf(entry: PriceEntry): string;
}

/** Quantities at the prices of one model, and once what it charges for a request as such. */
export function charge(
  quantities: Quantities,
  prices: ModelPrices,
  circumstances: Circumstances,
  classes: readonly ChargedClass[] = USAGE_CLASSES,
  terms?: PriceTerms,
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
      const factor = terms === undefined ? ONE : terms.factorOf(entry, usageClass);
      const amount = amountOf(units, entry, factor);
      cost += amount;
      lines.push({
        usageClass,
        quantity: units,
        unitPrice: entry.price,
        perUnits: entry.perUnits,
        amount,
        entryId: entry.id,
        priceVersion: terms === undefined ? '' : terms.versionOf(entry),
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

/** What each class of cached input would have been without a cache. */
const CACHED = [
  ['cache_read', 'uncached_input'],
  ['cache_write_5m', 'uncached_input'],
  ['cache_write_1h', 'uncached_input'],
  ['cached_audio', 'input_audio'],
] as const satisfies readonly (readonly [keyof Usage, ChargedClass])[];

/** What cached input would have cost as input, less what it did cost by `lines`: negative where a cache was written and hardly read. Null when nobody knows
 *  the price of input. */
export function savedByCache(
  usage: Usage,
  lines: readonly LineItem[],
  prices: ModelPrices,
  circumstances: Circumstances,
  terms?: PriceTerms,
): PicoUsd | null {
  let saved = 0n;
  let sheet: PriceSheet | undefined;
  for (const [cached, uncached] of CACHED) {
    const quantity = usage[cached] ?? 0;
    if (quantity === 0) continue;
    sheet ??= prices.sheet(circumstances.serviceTier, circumstances.region);
    const entries = sheet.pricesAt(uncached, circumstances.atMs, circumstances.inputTokens);
    if (entries.length === 0) return null;
    for (const entry of entries)
      saved += amountOf(unitsAt(entry, quantity), entry, terms === undefined ? ONE : terms.factorOf(entry, uncached));
    for (const line of lines) if (line.usageClass === cached) saved -= line.amount;
  }
  return saved;
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

/** Set by the reader of a surface when the provider also billed tokens of another model, or units that no class holds: a cost would be too low. */
const INCOMPLETE_FLAGS: ReadonlySet<string> = new Set(['other_model_usage', 'unclassified_units']);

/** Whether the usage is all that was billed. */
export function isBillable({ usageFlags }: Pick<Attempt, 'usageFlags'>, usage: Usage): boolean {
  return !isPartial(usage, inputTokens(usage)) && !usageFlags.some((flag) => INCOMPLETE_FLAGS.has(flag));
}

/** One side of the tokens is unknown, or everything is: what is known is not the cost. A surface whose answers have one side only states 0 for the other. */
function isPartial(usage: Usage, input: number | null): boolean {
  const output = outputTokens(usage);
  if (input === null && output === null) return UNIT_CLASSES.every((name) => usage[name] === null);
  return input === null || output === null;
}

/** The model whose price counts. */
export function ratedModel({ servedModel, requestedModel }: Pick<Attempt, 'servedModel' | 'requestedModel'>): string {
  return servedModel === '' ? requestedModel : servedModel;
}
