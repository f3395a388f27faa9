/** What is allowed in a price book and yet is likely a mistake. */
import type { ChargedClass } from '@tokenledger/domain';
import type { PriceBook } from './price-book.ts';
import { type PriceEntry, STANDARD_TIER } from './price-entry.ts';

export interface PriceDoubt {
  readonly kind: 'old_source' | 'ended' | 'cache_dearer_than_input' | 'batch_dearer_than_standard';
  readonly entry: PriceEntry;
  readonly message: string;
}

export interface LintContext {
  readonly nowMs: number;
  /** Pages that were read longer ago are old. */
  readonly sourceDaysMax: number;
}

const DAY_MS = 86_400_000;

/** In the order of the book. */
export function bookDoubts({ entries }: PriceBook, { nowMs, sourceDaysMax }: LintContext): readonly PriceDoubt[] {
  const current = entries.filter((entry) => entry.effectiveFromMs <= nowMs && nowMs < (entry.effectiveToMs ?? Infinity));
  const byScope = Map.groupBy(current, scopeOf);
  const doubts: PriceDoubt[] = [];
  const currentScopes = new Set(current.map((entry) => `${scopeOf(entry)}|${entry.usageClass}|${entry.serviceTier}`));
  for (const entry of entries) {
    if (entry.effectiveToMs !== null && entry.effectiveToMs <= nowMs) {
      const scope = `${scopeOf(entry)}|${entry.usageClass}|${entry.serviceTier}`;
      if (!currentScopes.has(scope) && isLatest(entry, entries)) {
        doubts.push({
          kind: 'ended',
          entry,
          message: `has had no price since ${new Date(entry.effectiveToMs).toISOString().slice(0, 10)}`,
        });
      }
      continue;
    }
    const others = byScope.get(scopeOf(entry)) ?? [];
    const days = Math.floor((nowMs - Date.parse(entry.sourceDate)) / DAY_MS);
    if (days > sourceDaysMax) doubts.push({ kind: 'old_source', entry, message: `was read ${days} days ago: ${entry.sourceUrl}` });
    const input = sibling(others, entry, 'uncached_input', entry.serviceTier);
    if (entry.usageClass === 'cache_read' && input !== undefined && isDearer(entry, input)) {
      doubts.push({ kind: 'cache_dearer_than_input', entry, message: `costs more than input (${input.id})` });
    }
    const standard = sibling(others, entry, entry.usageClass, STANDARD_TIER);
    if (entry.serviceTier === 'batch' && standard !== undefined && isDearer(entry, standard)) {
      doubts.push({ kind: 'batch_dearer_than_standard', entry, message: `costs more than without a batch (${standard.id})` });
    }
  }
  return doubts;
}

/** Same names, region and band: what may be compared. */
function scopeOf(entry: PriceEntry): string {
  const { provider, models, dated, prefixes, endings, containing, region, aboveInputTokens, aboveUnits } = entry;
  return JSON.stringify([provider, models, dated, prefixes, endings, containing, region, aboveInputTokens, aboveUnits, entry.daily]);
}

function sibling(others: readonly PriceEntry[], entry: PriceEntry, usageClass: ChargedClass, serviceTier: string): PriceEntry | undefined {
  return others.find((other) => other !== entry && other.usageClass === usageClass && other.serviceTier === serviceTier);
}

function isDearer(entry: PriceEntry, other: PriceEntry): boolean {
  return entry.price * BigInt(other.perUnits) > other.price * BigInt(entry.perUnits);
}

function isLatest(entry: PriceEntry, entries: readonly PriceEntry[]): boolean {
  return !entries.some(
    (other) =>
      other !== entry &&
      other.effectiveFromMs >= (entry.effectiveToMs ?? Infinity) &&
      other.provider === entry.provider &&
      other.serviceTier === entry.serviceTier &&
      other.usageClass === entry.usageClass &&
      namesOf(other).some((name) => namesOf(entry).includes(name)),
  );
}

function namesOf({ models, dated, prefixes, endings, containing }: PriceEntry): readonly string[] {
  return [...models, ...dated, ...prefixes, ...endings, ...containing];
}
