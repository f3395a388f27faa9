/** A price book: entries with one answer to each question, found by provider and model, and a version that is the hash of what they say. */
import { createHash } from 'node:crypto';
import { formatUsd, type Rejected } from '@tokenledger/domain';
import { readBookFile, type UnknownPeriod, type WrittenBook } from './book-file.ts';
import { invalidBook, type PriceProblem } from './book-problem.ts';
import type { AboutBook, ProviderRules } from './book-schema.ts';
import { type ModelNames, modelNames } from './model-names.ts';
import { conflicts, type ModelPrices, modelPrices } from './model-prices.ts';
import type { PriceEntry } from './price-entry.ts';
import { historyProblems } from './price-history.ts';

/** The book that ships with the program. */
export const SHIPPED_PRICE_BOOK = new URL('../../../schemas/pricebook/book.yaml', import.meta.url);

export interface PriceBook {
  /** SHA-256 of the canonical form, hex: the same prices have the same version, however they were written down. */
  readonly version: string;
  /** Its number, author, note and time, as far as they were written: no part of the version. */
  readonly about: AboutBook;
  readonly entries: readonly PriceEntry[];
  /** Undefined when the book knows no such model. */
  pricesOf(provider: string, model: string): ModelPrices | undefined;
  /** Models whose names are nearest to one that the book does not know, as `provider/name`, at most `limit`. */
  candidates(provider: string, model: string, limit?: number): readonly string[];
}

const CANDIDATES_MAX = 5;

/** Reads a price book from YAML or JSON. Rejects `PRICE_BOOK_INVALID`, naming the lines and paths that are wrong and the entries that contradict each other. */
export function parsePriceBook(text: string): PriceBook | Rejected {
  const written = readBookFile(text);
  if (written.kind === 'wrong') return invalidBook(written.problems);
  const { byProvider, problems } = indexed(written);
  return problems.length > 0 ? invalidBook(problems) : bookOf(written, byProvider);
}

/** Everything that is wrong with a price book, in the order of its lines; nothing when it is one. */
export function checkPriceBook(text: string): readonly PriceProblem[] {
  const written = readBookFile(text);
  const problems = written.kind === 'wrong' ? written.problems : indexed(written).problems;
  return problems.toSorted((a, b) => a.line - b.line);
}

type Index = ReadonlyMap<string, ModelNames<ModelPrices>>;

function bookOf({ about, entries, unknown, providers }: WrittenBook, byProvider: Index): PriceBook {
  const names = new Map(Object.entries(providers).flatMap(([name, { also }]) => also.map((other) => [other, name] as const)));
  const nameOf = (provider: string): string => names.get(provider) ?? provider;

  const listed = (provider: string, model: string): ModelPrices | undefined => {
    const own = byProvider.get(provider)?.find(model);
    if (own !== undefined) return own;
    for (const other of rulesOf(providers, provider)?.else ?? []) {
      const found = byProvider.get(other)?.find(model);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const pricesOf = (provider: string, model: string): ModelPrices | undefined => {
    const seller = nameOf(provider);
    const found = listed(seller, model);
    if (found !== undefined || rulesOf(providers, seller)?.resells !== 'listed') return found;
    const slash = model.indexOf('/');
    return slash < 1 ? undefined : listed(nameOf(model.slice(0, slash)), model.slice(slash + 1));
  };
  return Object.freeze({
    version: createHash('sha256')
      .update(canonicalForm(entries, unknown, providers))
      .digest('hex'),
    about,
    entries,
    pricesOf,
    candidates: (provider, model, limit = CANDIDATES_MAX) => nearest(byProvider, nameOf(provider), model, limit),
  } satisfies PriceBook);
}

function rulesOf(providers: WrittenBook['providers'], name: string): ProviderRules | undefined {
  return Object.hasOwn(providers, name) ? providers[name] : undefined;
}

/** One line per entry, in an order of their own, with prices at full length. */
function canonicalForm(entries: readonly PriceEntry[], unknown: readonly UnknownPeriod[], providers: WrittenBook['providers']): string {
  const sorted = <T extends UnknownPeriod | PriceEntry>(each: T): T => ({
    ...each,
    models: each.models.toSorted(),
    dated: each.dated.toSorted(),
    prefixes: each.prefixes.toSorted(),
    endings: each.endings.toSorted(),
    containing: each.containing.toSorted(),
  });
  return [
    ...entries.map((entry) => JSON.stringify({ ...sorted(entry), price: formatUsd(entry.price) })),
    ...unknown.map((period) => JSON.stringify(sorted(period))),
    ...Object.entries(providers).map(([name, rules]) => JSON.stringify([name, rules.also.toSorted(), rules.else, rules.resells])),
  ]
    .toSorted()
    .join('\n');
}

function indexed(written: WrittenBook): { readonly byProvider: Index; readonly problems: readonly PriceProblem[] } {
  const problems = [...repeatedIds(written), ...providerProblems(written)];
  const byProvider = new Map<string, ModelNames<ModelPrices>>();
  const reported = new Set<string>();
  const report = (of: PriceEntry | UnknownPeriod, key: string, message: string): void => {
    // Entries with many names would contradict each other once for each of them.
    if (reported.has(key)) return;
    reported.add(key);
    problems.push(written.problemOf(of, message));
  };
  const members: readonly (PriceEntry | UnknownPeriod)[] = [...written.entries, ...written.unknown];
  for (const [provider, known] of Map.groupBy(members, (each) => each.provider)) {
    byProvider.set(
      provider,
      modelNames(known, ({ name, members: group }) => {
        const entries = group.filter((each) => 'usageClass' in each);
        for (const [first, second] of conflicts(entries)) {
          report(second, `${first.id} ${second.id}`, `${provider}/${name}: ${first.id} and ${second.id} hold at the same time`);
        }
        for (const { of, message } of historyProblems(`${provider}/${name}`, group)) report(of, message, message);
        return modelPrices(entries);
      }),
    );
  }
  return { byProvider, problems };
}

function* repeatedIds({ entries, problemOf }: WrittenBook): Generator<PriceProblem> {
  const seen = new Set<string>();
  for (const entry of entries) {
    if (seen.has(entry.id)) yield problemOf(entry, `${entry.id}: stands there twice`);
    seen.add(entry.id);
  }
}

function* providerProblems({ entries, providers, problemAt }: WrittenBook): Generator<PriceProblem> {
  const known = new Set([...entries.map(({ provider }) => provider), ...Object.keys(providers)]);
  const taken = new Set(known);
  for (const [name, rules] of Object.entries(providers)) {
    for (const [index, other] of rules.also.entries()) {
      if (taken.has(other)) yield problemAt(['providers', name, 'also', index], `'${other}' is another provider's name already`);
      taken.add(other);
    }
    for (const [index, other] of rules.else.entries()) {
      if (!known.has(other)) yield problemAt(['providers', name, 'else', index], `the book has no provider '${other}'`);
    }
  }
}

function nearest(byProvider: Index, provider: string, model: string, limit: number): readonly string[] {
  const wanted = bareName(model);
  const scored: { readonly name: string; readonly score: number }[] = [];
  for (const [owner, { names }] of byProvider) {
    for (const name of names) {
      const common = commonLength(wanted, bareName(name));
      // A name that shares no more than a letter or two is no candidate; one of the same provider is the better one.
      if (common * 2 >= wanted.length && common > 2)
        scored.push({ name: `${owner}/${name}`, score: common * 2 + (owner === provider ? 1 : 0) });
    }
  }
  return scored
    .toSorted((a, b) => b.score - a.score || a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

/** Without the maker in front. */
function bareName(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).toLowerCase();
}

function commonLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length += 1;
  return length;
}
