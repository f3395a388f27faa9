/** One price of the book: what a class of usage costs, at whom, for which models, since when, and where that is written. */
import type { ChargedClass, PicoUsd } from '@tokenledger/domain';
import { haveMomentInCommon, isWithin, type TimeOfDay } from './time-of-day.ts';

export interface PriceEntry {
  /** Unique in the book; stands on every line item. */
  readonly id: string;
  readonly provider: string;
  /** Exact model names, as answers give them; in any case of letters. They go before everything else. */
  readonly models: readonly string[];
  /** Names that may be followed by a date, e.g. `gpt-5` of `gpt-5-2025-08-07`. They go before prefixes. */
  readonly dated: readonly string[];
  /** Beginnings of model names; the longest that fits is taken. */
  readonly prefixes: readonly string[];
  /** Endings of model names, behind whatever says where it runs; the longest that fits is taken, after prefixes. */
  readonly endings: readonly string[];
  /** Parts of model names, wherever they stand; the longest that fits is taken, after all others. */
  readonly containing: readonly string[];
  /** `standard`, or the tier's name as the provider reports it. */
  readonly serviceTier: string;
  /** `''`: any region that has no price of its own. */
  readonly region: string;
  /** Holds for requests with more input tokens than this, cached ones included. Such a request is billed at this price as a whole. */
  readonly aboveInputTokens: number;
  /** Holds for requests with at most so many input tokens; null: without an end. */
  readonly upToInputTokens: number | null;
  readonly usageClass: ChargedClass;
  /** Classes that are parts of this one and have no price apart: they are charged at this one. */
  readonly alsoFor: readonly ChargedClass[];
  /** Pico-USD for `perUnits` units. */
  readonly price: PicoUsd;
  readonly perUnits: number;
  /** Marginal: the price of the units of an attempt beyond so many, up to so many; null: of all that follow. */
  readonly aboveUnits: number;
  readonly upToUnits: number | null;
  /** Hours of the day it holds in; null: all of them that no other entry of the same kind takes. */
  readonly daily: TimeOfDay | null;
  /** Milliseconds since the epoch. In force from `effectiveFromMs` until just before `effectiveToMs`; null: until further notice. */
  readonly effectiveFromMs: number;
  readonly effectiveToMs: number | null;
  readonly sourceUrl: string;
  /** When that page was read, `YYYY-MM-DD`. */
  readonly sourceDate: string;
}

/** The tier of whoever asked for none. Providers call it by several names. */
export const STANDARD_TIER = 'standard';

/** OpenAI answers `default` (and may echo `auto`), Anthropic and the Gemini API `standard`, Vertex AI and Groq what is paid on demand; many answers name no tier at all. */
export function pricedTier(serviceTier: string): string {
  switch (serviceTier) {
    case '':
    case 'default':
    case 'auto':
    case 'ON_DEMAND':
    case 'on_demand':
      return STANDARD_TIER;
    default:
      return serviceTier;
  }
}

/** True when both hold for the same unit of the same request at the same moment, and neither is the exception to the other. */
export function overlaps(left: PriceEntry, right: PriceEntry): boolean {
  return (
    left.effectiveFromMs < (right.effectiveToMs ?? Infinity) &&
    right.effectiveFromMs < (left.effectiveToMs ?? Infinity) &&
    left.aboveInputTokens < (right.upToInputTokens ?? Infinity) &&
    right.aboveInputTokens < (left.upToInputTokens ?? Infinity) &&
    left.aboveUnits < (right.upToUnits ?? Infinity) &&
    right.aboveUnits < (left.upToUnits ?? Infinity) &&
    sameHours(left.daily, right.daily)
  );
}

/** An entry for some hours is the exception to one for the whole day. */
function sameHours(left: TimeOfDay | null, right: TimeOfDay | null): boolean {
  if (left === null || right === null) return left === right;
  return haveMomentInCommon(left, right);
}

/** `inputTokens`: null when unknown; then a price that depends on them does not hold. */
export function holdsFor(entry: PriceEntry, atMs: number, inputTokens: number | null): boolean {
  if (atMs < entry.effectiveFromMs || (entry.effectiveToMs !== null && atMs >= entry.effectiveToMs)) return false;
  if (entry.daily !== null && !isWithin(entry.daily, atMs)) return false;
  if (entry.aboveInputTokens === 0 && entry.upToInputTokens === null) return true;
  // A request without input is in the lowest band.
  return (
    inputTokens !== null &&
    (entry.aboveInputTokens === 0 || inputTokens > entry.aboveInputTokens) &&
    (entry.upToInputTokens === null || inputTokens <= entry.upToInputTokens)
  );
}
