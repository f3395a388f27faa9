/** All prices of one model, by tier, region and class. No two of one kind hold for one thing at once. */
import type { ChargedClass } from '@tokenledger/domain';
import { holdsFor, overlaps, type PriceEntry } from './price-entry.ts';

/** What one model costs. */
export interface ModelPrices {
  /** What it costs in one tier and region. */
  sheet(serviceTier: string, region: string): PriceSheet;
  /** Undefined when no price is in force: a known model may lack one for a tier, a class or a time. Of marginal prices it is that of the first unit. */
  priceOf(question: PriceQuestion): PriceEntry | undefined;
  /** Each request costs something as such. */
  readonly chargesRequests: boolean;
  readonly entries: readonly PriceEntry[];
}

export interface PriceSheet {
  /** All prices of a class in force at `atMs`, from the first unit on: one, unless they are marginal; none, when no price is in force.
   *  `inputTokens`: all input tokens of the request; null when unknown, then a price that depends on them is not known either. */
  pricesAt(usageClass: ChargedClass, atMs: number, inputTokens: number | null): readonly PriceEntry[];
}

export interface PriceQuestion {
  readonly usageClass: ChargedClass;
  /** As `pricedTier` gives it. */
  readonly serviceTier: string;
  readonly region: string;
  readonly atMs: number;
  readonly inputTokens: number | null;
}

const NOTHING: readonly PriceEntry[] = Object.freeze([]);
/** Regions come with requests: more of them than anybody prices apart are not kept. */
const SHEETS_MAX = 64;

export function modelPrices(entries: readonly PriceEntry[]): ModelPrices {
  const sheets = new Map<string, PriceSheet>();
  const sheet = (serviceTier: string, region: string): PriceSheet => {
    const key = `${serviceTier}|${region}`;
    let known = sheets.get(key);
    if (known === undefined) {
      if (sheets.size >= SHEETS_MAX) sheets.clear();
      known = priceSheet(entries.filter((each) => each.serviceTier === serviceTier && (each.region === region || each.region === '')));
      sheets.set(key, known);
    }
    return known;
  };
  return {
    entries,
    chargesRequests: entries.some(({ usageClass }) => usageClass === 'requests'),
    sheet,
    priceOf: ({ usageClass, serviceTier, region, atMs, inputTokens }) =>
      sheet(serviceTier, region).pricesAt(usageClass, atMs, inputTokens)[0],
  };
}

/** Pairs of entries that both hold for one thing at one time. */
export function* conflicts(entries: readonly PriceEntry[]): Generator<readonly [PriceEntry, PriceEntry]> {
  const cells = Map.groupBy(entries, ({ usageClass, serviceTier, region }) => `${usageClass}|${serviceTier}|${region}`);
  for (const cell of cells.values()) {
    for (const [index, entry] of cell.entries()) {
      for (const other of cell.slice(0, index)) if (overlaps(entry, other)) yield [other, entry];
    }
  }
}

interface Cell {
  /** In the order in which they are asked. */
  readonly entries: readonly PriceEntry[];
  /** Each of them alone, so that the common answer needs no list of its own. */
  readonly alone: readonly (readonly PriceEntry[])[];
}

function priceSheet(entries: readonly PriceEntry[]): PriceSheet {
  const byClass = new Map<ChargedClass, PriceEntry[]>();
  for (const entry of entries) {
    for (const usageClass of [entry.usageClass, ...entry.alsoFor]) {
      const cell = byClass.get(usageClass);
      if (cell === undefined) byClass.set(usageClass, [entry]);
      else cell.push(entry);
    }
  }
  const cells = new Map(
    Array.from(byClass, ([usageClass, members]): [ChargedClass, Cell] => {
      const ordered = members.toSorted((a, b) => precedence(a, usageClass) - precedence(b, usageClass) || a.aboveUnits - b.aboveUnits);
      return [usageClass, { entries: ordered, alone: ordered.map((entry) => [entry]) }];
    }),
  );
  return {
    pricesAt(usageClass, atMs, inputTokens) {
      const cell = cells.get(usageClass);
      if (cell === undefined) return NOTHING;
      const index = cell.entries.findIndex((entry) => holdsFor(entry, atMs, inputTokens));
      const first = cell.entries[index];
      if (first === undefined) return NOTHING;
      if (first.upToUnits === null) return cell.alone[index] ?? NOTHING;
      const kind = precedence(first, usageClass);
      return cell.entries.filter((entry) => precedence(entry, usageClass) === kind && holdsFor(entry, atMs, inputTokens));
    },
  };
}

/** The region's own price goes before the common one, that of the class before that of what contains it, that of some hours before that of the day. */
function precedence(entry: PriceEntry, usageClass: ChargedClass): number {
  return (entry.region === '' ? 4 : 0) + (entry.usageClass === usageClass ? 0 : 2) + (entry.daily === null ? 1 : 0);
}
