/** All prices of one model, by tier, region and class. No two of one cell hold at once. */
import type { ChargedClass } from '@tokenledger/domain';
import { holdsFor, overlaps, type PriceEntry } from './price-entry.ts';

/** What one model costs. */
export interface ModelPrices {
  /** Undefined when no price is in force: a known model may lack one for a tier, a class or a time. Of marginal prices it is that of the first unit. */
  priceOf(question: PriceQuestion): PriceEntry | undefined;
  /** All prices in force for one question, from the first unit on: one, unless they are marginal. */
  pricesFor(question: PriceQuestion): readonly PriceEntry[];
  /** Each request costs something as such. */
  readonly chargesRequests: boolean;
  readonly entries: readonly PriceEntry[];
}

export interface PriceQuestion {
  readonly usageClass: ChargedClass;
  /** As `pricedTier` gives it. */
  readonly serviceTier: string;
  readonly region: string;
  readonly atMs: number;
  /** All input tokens of the request; null when unknown: then a price that depends on them is not known either. */
  readonly inputTokens: number | null;
}

type Cells = ReadonlyMap<string, readonly PriceEntry[]>;

const NOTHING: readonly PriceEntry[] = Object.freeze([]);

export function modelPrices(entries: readonly PriceEntry[]): ModelPrices {
  const own = cellsOf(entries, ({ usageClass }) => [usageClass]);
  const parts = cellsOf(entries, ({ alsoFor }) => alsoFor);
  const first = (question: PriceQuestion): Found | undefined =>
    (question.region === '' ? undefined : (inCell(own, question, question.region) ?? inCell(parts, question, question.region))) ??
    inCell(own, question, '') ??
    inCell(parts, question, '');
  return {
    entries,
    chargesRequests: entries.some(({ usageClass }) => usageClass === 'requests'),
    priceOf: (question) => first(question)?.entry,
    pricesFor(question) {
      const found = first(question);
      if (found === undefined) return NOTHING;
      return found.entry.upToUnits === null ? [found.entry] : marginal(found, question);
    },
  };
}

/** Pairs of entries that both hold for one thing at one time. */
export function* conflicts(entries: readonly PriceEntry[]): Generator<readonly [PriceEntry, PriceEntry]> {
  for (const cell of cellsOf(entries, ({ usageClass }) => [usageClass]).values()) {
    for (const [index, entry] of cell.entries()) {
      for (const other of cell.slice(0, index)) if (overlaps(entry, other)) yield [other, entry];
    }
  }
}

function cellsOf(entries: readonly PriceEntry[], classesOf: (entry: PriceEntry) => readonly ChargedClass[]): Cells {
  const cells = new Map<string, PriceEntry[]>();
  for (const entry of entries) {
    for (const usageClass of classesOf(entry)) {
      const key = cellKey(entry.serviceTier, entry.region, usageClass);
      const cell = cells.get(key);
      if (cell === undefined) cells.set(key, [entry]);
      else cell.push(entry);
    }
  }
  // Those for some hours of the day go before those for all; marginal ones in the order of their units.
  for (const cell of cells.values()) {
    if (cell.length > 1) cell.sort((a, b) => Number(a.daily === null) - Number(b.daily === null) || a.aboveUnits - b.aboveUnits);
  }
  return cells;
}

interface Found {
  readonly entry: PriceEntry;
  readonly cell: readonly PriceEntry[];
}

function inCell(cells: Cells, question: PriceQuestion, region: string): Found | undefined {
  const cell = cells.get(cellKey(question.serviceTier, region, question.usageClass));
  const entry = cell?.find((each) => holdsFor(each, question.atMs, question.inputTokens));
  return cell === undefined || entry === undefined ? undefined : { entry, cell };
}

function marginal({ entry, cell }: Found, { atMs, inputTokens }: PriceQuestion): readonly PriceEntry[] {
  return cell.filter((each) => (each.daily === null) === (entry.daily === null) && holdsFor(each, atMs, inputTokens));
}

function cellKey(serviceTier: string, region: string, usageClass: ChargedClass): string {
  return `${usageClass}|${serviceTier}|${region}`;
}
