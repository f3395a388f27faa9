/** What a file says of one model's prices against what a block of the book says: the changes, and the prices that hold with them. */
import type { Unlisted } from '../containing-classes.ts';
import { parsePrices } from '../price-text.ts';

type Tiers = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** The prices of a block, as it is written. */
export interface BlockPrices {
  readonly prices?: Tiers;
  readonly long_context?: { readonly above_input_tokens: string; readonly prices: Tiers };
}

export interface PriceChange {
  readonly kind: 'new' | 'changed';
  readonly provider: string;
  readonly model: string;
  readonly tier: string;
  readonly usageClass: string;
  /** 0: the price of every length of a request, or of those up to a threshold. */
  readonly aboveInputTokens: number;
  /** As written; null: the book has no price for it. */
  readonly before: string | null;
  readonly after: string;
}

export interface Compared {
  readonly changes: readonly PriceChange[];
  readonly merged: BlockPrices;
  /** Another length of requests from which prices differ: that is not merged. */
  readonly otherThreshold: boolean;
}

/** Lengths of requests that providers and lists round differently: "from 272,000 on" and "above 272,000". */
export const THRESHOLD_TOLERANCE = 1;

/** Whose price holds for a class that has none of its own; the second of two only where the source says so. */
const SHARED: Readonly<Record<string, string>> = {
  uncached_input: 'input',
  input_image: 'input',
  visible_output: 'output',
  reasoning: 'output',
};
const CONTAINING: Readonly<Record<string, string>> = {
  cache_read: 'input',
  cache_write_5m: 'input',
  cache_write_1h: 'input',
  input_audio: 'input',
  cached_audio: 'cache_read',
  output_audio: 'output',
  output_image: 'output',
};

/** `unlisted`: what the source of the block says of what it does not list. What the file does not list stays as it is. */
export function comparePrices(
  { provider, model, unlisted }: { readonly provider: string; readonly model: string; readonly unlisted: Unlisted },
  current: BlockPrices,
  stated: BlockPrices,
): Compared {
  const changes: PriceChange[] = [];
  const merge = (known: Tiers, said: Tiers, aboveInputTokens: number): Tiers => {
    const merged: Record<string, Readonly<Record<string, string | readonly string[]>>> = { ...known };
    for (const [tier, prices] of Object.entries(said)) {
      for (const [usageClass, after] of Object.entries(prices)) {
        const before = priceOf(known[tier] ?? {}, usageClass, unlisted);
        // Marginal prices are no single ones.
        if (typeof after !== 'string' || (before !== undefined && typeof before !== 'string')) continue;
        if (before !== undefined && isSame(before, after)) continue;
        const kind = before === undefined ? 'new' : 'changed';
        changes.push({ kind, provider, model, tier, usageClass, aboveInputTokens, before: before ?? null, after });
        merged[tier] = { ...merged[tier], [usageClass]: after };
      }
    }
    return merged;
  };

  const prices = merge(current.prices ?? {}, stated.prices ?? {}, 0);
  const [known, said] = [current.long_context, stated.long_context];
  const unmerged = known === undefined ? { prices } : { prices, long_context: known };
  if (said === undefined) return { changes, merged: unmerged, otherThreshold: false };
  if (known === undefined) {
    const long = merge(prices, said.prices, Number(said.above_input_tokens));
    const merged = isSameTiers(long, prices)
      ? { prices }
      : { prices, long_context: { above_input_tokens: said.above_input_tokens, prices: long } };
    return { changes, merged, otherThreshold: false };
  }
  const apart = Math.abs(Number(known.above_input_tokens) - Number(said.above_input_tokens));
  if (apart > THRESHOLD_TOLERANCE) return { changes, merged: unmerged, otherThreshold: true };
  const long = merge(known.prices, said.prices, Number(known.above_input_tokens));
  return { changes, merged: { prices, long_context: { ...known, prices: long } }, otherThreshold: false };
}

function priceOf(
  prices: Readonly<Record<string, string | readonly string[]>>,
  usageClass: string,
  unlisted: Unlisted,
): string | readonly string[] | undefined {
  const own = prices[usageClass] ?? prices[SHARED[usageClass] ?? ''];
  const containing = CONTAINING[usageClass];
  // Whoever charges for writing to a cache charges more for a longer time.
  if (usageClass === 'cache_write_1h' && prices['cache_write_5m'] !== undefined) return own;
  const isShared =
    unlisted === 'as_containing' || (unlisted === 'caches_as_input' && containing === 'input' && usageClass.startsWith('cache_'));
  return own !== undefined || !isShared || containing === undefined ? own : priceOf(prices, containing, unlisted);
}

/** What a price is for where nothing else is written. */
export const PER_UNITS = 1_000_000;

function isSame(left: string, right: string): boolean {
  const [[a], [b]] = [parsePrices(left) ?? [], parsePrices(right) ?? []];
  if (a === undefined || b === undefined) return left === right;
  return a.amount * BigInt(b.perUnits ?? PER_UNITS) === b.amount * BigInt(a.perUnits ?? PER_UNITS);
}

function isSameTiers(left: Tiers, right: Tiers): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
