/** One price of the book: what a class of usage costs, at whom, for which models, since when, and where that is written. */
import type { PicoUsd, UsageClass } from '@tokenledger/domain';

export interface PriceEntry {
  /** Unique in the book; stands on every line item. */
  readonly id: string;
  readonly provider: string;
  /** Exact model names, as answers give them. They go before prefixes. */
  readonly models: readonly string[];
  /** Beginnings of model names; the longest that fits is taken. */
  readonly prefixes: readonly string[];
  /** `standard`, or the tier's name as the provider reports it. */
  readonly serviceTier: string;
  /** `''`: any region that has no price of its own. */
  readonly region: string;
  /** Holds for requests with more input tokens than this, cached ones included. Such a request is billed at this price as a whole. */
  readonly aboveInputTokens: number;
  /** Holds for requests with at most so many input tokens; null: without an end. */
  readonly upToInputTokens: number | null;
  readonly usageClass: UsageClass;
  /** Pico-USD for `perUnits` units. */
  readonly price: PicoUsd;
  readonly perUnits: number;
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

/** True when both hold for the same request at the same moment. */
export function overlaps(left: PriceEntry, right: PriceEntry): boolean {
  return (
    left.effectiveFromMs < (right.effectiveToMs ?? Infinity) &&
    right.effectiveFromMs < (left.effectiveToMs ?? Infinity) &&
    left.aboveInputTokens < (right.upToInputTokens ?? Infinity) &&
    right.aboveInputTokens < (left.upToInputTokens ?? Infinity)
  );
}

/** `inputTokens`: null when unknown; then a price that depends on them does not hold. */
export function holdsFor(entry: PriceEntry, atMs: number, inputTokens: number | null): boolean {
  if (atMs < entry.effectiveFromMs || (entry.effectiveToMs !== null && atMs >= entry.effectiveToMs)) return false;
  if (entry.aboveInputTokens === 0 && entry.upToInputTokens === null) return true;
  // A request without input is in the lowest band.
  return (
    inputTokens !== null &&
    (entry.aboveInputTokens === 0 || inputTokens > entry.aboveInputTokens) &&
    (entry.upToInputTokens === null || inputTokens <= entry.upToInputTokens)
  );
}
