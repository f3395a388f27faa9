/** A price book: entries with one answer to each question, found by provider and model, and a version that is the hash of what they say. */
import { createHash } from 'node:crypto';
import { formatUsd, isRejected, type Rejected, type UsageClass } from '@tokenledger/domain';
import { invalid, readBookFile } from './book-file.ts';
import { holdsFor, overlaps, type PriceEntry } from './price-entry.ts';

/** The book that ships with the program. */
export const SHIPPED_PRICE_BOOK = new URL('../../../schemas/pricebook/book.yaml', import.meta.url);

export interface PriceBook {
  /** SHA-256 of the canonical form, hex: the same prices have the same version, however they were written down. */
  readonly version: string;
  readonly entries: readonly PriceEntry[];
  /** Undefined when the book knows no such model. */
  pricesOf(provider: string, model: string): ModelPrices | undefined;
}

/** What one model costs. */
export interface ModelPrices {
  /** Undefined when no price is in force: a known model may lack one for a tier, a class or a time. */
  priceOf(question: PriceQuestion): PriceEntry | undefined;
}

export interface PriceQuestion {
  readonly usageClass: UsageClass;
  /** As `pricedTier` gives it. */
  readonly serviceTier: string;
  readonly region: string;
  readonly atMs: number;
  /** All input tokens of the request; null when unknown: then a price that depends on them is not known either. */
  readonly inputTokens: number | null;
}

/** Reads a price book from YAML or JSON. Rejects `PRICE_BOOK_INVALID`, naming the paths that are wrong and the entries that contradict each other. */
export function parsePriceBook(text: string): PriceBook | Rejected {
  const entries = readBookFile(text);
  if (isRejected(entries)) return entries;
  const problems = [...repeatedIds(entries)];
  const byName = indexBy(entries, (entry) => entry.models, problems);
  const byPrefix = indexBy(entries, (entry) => entry.prefixes, problems);
  if (problems.length > 0) return invalid(problems);

  const prefixes = new Map<string, readonly string[]>();
  for (const [provider, models] of byPrefix)
    prefixes.set(
      provider,
      [...models.keys()].toSorted((a, b) => b.length - a.length),
    );
  return Object.freeze({
    version: createHash('sha256').update(canonicalForm(entries)).digest('hex'),
    entries,
    pricesOf(provider, model) {
      const named = byName.get(provider)?.get(model);
      if (named !== undefined) return named;
      const prefix = prefixes.get(provider)?.find((beginning) => model.startsWith(beginning));
      return prefix === undefined ? undefined : byPrefix.get(provider)?.get(prefix);
    },
  } satisfies PriceBook);
}

/** One line per entry, in the order of their ids, with prices at full length. */
function canonicalForm(entries: readonly PriceEntry[]): string {
  return entries
    .map((entry) =>
      JSON.stringify({ ...entry, models: entry.models.toSorted(), prefixes: entry.prefixes.toSorted(), price: formatUsd(entry.price) }),
    )
    .toSorted()
    .join('\n');
}

function* repeatedIds(entries: readonly PriceEntry[]): Generator<string> {
  const seen = new Set<string>();
  for (const { id } of entries) {
    if (seen.has(id)) yield `${id}: stands there twice`;
    seen.add(id);
  }
}

type Index = ReadonlyMap<string, ReadonlyMap<string, ModelPrices>>;

/** By provider, then by name. */
function indexBy(entries: readonly PriceEntry[], namesOf: (entry: PriceEntry) => readonly string[], problems: string[]): Index {
  const grouped = new Map<string, Map<string, PriceEntry[]>>();
  for (const entry of entries) {
    const models = grouped.get(entry.provider) ?? new Map<string, PriceEntry[]>();
    grouped.set(entry.provider, models);
    for (const name of namesOf(entry)) {
      const known = models.get(name) ?? [];
      models.set(name, known);
      known.push(entry);
    }
  }
  return new Map(
    Array.from(grouped, ([provider, models]) => [
      provider,
      new Map(Array.from(models, ([name, known]) => [name, modelPrices(`${provider}/${name}`, known, problems)])),
    ]),
  );
}

/** Entries of one model by tier, region and class. No two of a cell hold at once. */
function modelPrices(model: string, entries: readonly PriceEntry[], problems: string[]): ModelPrices {
  const cells = new Map<string, PriceEntry[]>();
  for (const entry of entries) {
    const key = cellKey(entry.serviceTier, entry.region, entry.usageClass);
    const cell = cells.get(key) ?? [];
    cells.set(key, cell);
    for (const other of cell) {
      if (other.aboveInputTokens === entry.aboveInputTokens && overlaps(entry, other))
        problems.push(`${model}: ${other.id} and ${entry.id} hold at the same time`);
    }
    cell.push(entry);
  }
  return {
    priceOf: (question) => (question.region === '' ? undefined : inCell(cells, question, question.region)) ?? inCell(cells, question, ''),
  };
}

function inCell(cells: ReadonlyMap<string, readonly PriceEntry[]>, question: PriceQuestion, region: string): PriceEntry | undefined {
  const cell = cells.get(cellKey(question.serviceTier, region, question.usageClass));
  return cell?.find((entry) => holdsFor(entry, question.atMs, question.inputTokens));
}

function cellKey(serviceTier: string, region: string, usageClass: UsageClass): string {
  return `${usageClass}|${serviceTier}|${region}`;
}
