/** The price book as people write it: one block per group of models and period, unfolded into entries. */
import { CHARGED_CLASSES, type ChargedClass } from '@tokenledger/domain';
import { type Path, parseText, type ParsedText, type PriceProblem, problemAt, syntaxProblem } from './book-problem.ts';
import {
  type AboutBook,
  type Block,
  bookFile,
  type BookFile,
  type ClassPrices,
  type ProviderRules,
  type Source,
  type TierPrices,
} from './book-schema.ts';
import { partsOf, SHARED_PRICES } from './containing-classes.ts';
import { type PriceEntry, STANDARD_TIER } from './price-entry.ts';
import type { WrittenPrice } from './price-text.ts';
import { formatTimeOfDay } from './time-of-day.ts';

/** For whom, and when, it is stated that nobody knows the price. */
export type UnknownPeriod = Pick<
  PriceEntry,
  'provider' | 'models' | 'dated' | 'prefixes' | 'endings' | 'containing' | 'region' | 'effectiveFromMs' | 'effectiveToMs'
> & { readonly reason: string };

export interface WrittenBook {
  readonly kind: 'written';
  readonly about: AboutBook;
  readonly entries: readonly PriceEntry[];
  readonly unknown: readonly UnknownPeriod[];
  readonly providers: Readonly<Record<string, ProviderRules>>;
  /** The problem of what was read from one of the blocks. */
  readonly problemOf: (of: PriceEntry | UnknownPeriod, message: string) => PriceProblem;
  /** The problem of a path that the file has. */
  readonly problemAt: (path: Path, message: string) => PriceProblem;
}

export interface WrongBook {
  readonly kind: 'wrong';
  readonly problems: readonly PriceProblem[];
}

/** Reads YAML or JSON. */
export function readBookFile(text: string): WrittenBook | WrongBook {
  const parsed = parseText(text);
  const syntax = syntaxProblem(parsed);
  if (syntax !== null) return { kind: 'wrong', problems: [syntax] };
  const file = bookFile.safeParse(parsed.document.toJS());
  if (!file.success) {
    return { kind: 'wrong', problems: file.error.issues.map(({ path, message }) => problemAt(parsed, path as Path, message)) };
  }
  const problems = file.data.blocks.flatMap((block, index) => blockProblems(block, index, file.data, parsed));
  return problems.length > 0 ? { kind: 'wrong', problems } : unfolded(file.data, parsed);
}

function unfolded({ about = { author: '', note: '' }, sources, providers, blocks }: BookFile, parsed: ParsedText): WrittenBook {
  const places = new Map<PriceEntry | UnknownPeriod, number>();
  const entries: PriceEntry[] = [];
  const unknown: UnknownPeriod[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.unknown !== undefined) {
      const period = { ...scopeOf(block), reason: block.unknown };
      unknown.push(period);
      places.set(period, index);
    }
    for (const entry of blockEntries(block, sources[block.source] as Source)) {
      entries.push(entry);
      places.set(entry, index);
    }
  }
  return {
    kind: 'written',
    about,
    entries,
    unknown,
    providers,
    problemOf: (of, message) => problemAt(parsed, ['blocks', places.get(of) ?? 0], message),
    problemAt: (path, message) => problemAt(parsed, path, message),
  };
}

function blockProblems(block: Block, index: number, { sources }: BookFile, parsed: ParsedText): readonly PriceProblem[] {
  const problems: PriceProblem[] = [];
  const wrong = (path: Path, message: string): unknown => problems.push(problemAt(parsed, ['blocks', index, ...path], message));
  if ([block.models, block.dated, block.prefixes, block.endings, block.containing].every(({ length }) => length === 0)) {
    wrong([], 'names no model: write models, dated, prefixes, endings or containing');
  }
  if (!Object.hasOwn(sources, block.source)) wrong(['source'], `'${block.source}' is not among the sources`);
  if ((block.prices === undefined) === (block.unknown === undefined))
    wrong([], 'has to have either prices, or a reason why they are unknown');
  for (const [tier, prices] of Object.entries(block.prices ?? {})) {
    if (Object.keys(prices).length === 0) wrong(['prices', tier], 'states no price: leave the tier out, or say why it is unknown');
  }
  if (block.unknown !== undefined && (block.daily !== undefined || block.long_context !== undefined)) {
    wrong(['unknown'], 'goes with a period, and with neither hours nor a length of requests');
  }
  if ((block.up_to_input_tokens ?? Infinity) <= (block.long_context?.above_input_tokens ?? 0)) {
    wrong(['up_to_input_tokens'], 'is not above long_context.above_input_tokens');
  }
  if (block.effective_to !== undefined && block.effective_to <= block.effective_from) {
    wrong(['effective_to'], 'is not after effective_from');
  }
  for (const [path, tiers] of [[['prices'], block.prices] as const, [['long_context', 'prices'], block.long_context?.prices] as const]) {
    for (const [tier, prices] of Object.entries(tiers ?? {})) {
      for (const [name, written] of Object.entries(prices)) {
        if (name === 'audio_seconds' || !written.some(({ isTimed }) => isTimed)) continue;
        wrong([...path, tier, name], `${name} are not counted in time: write a price per a number of units`);
      }
    }
  }
  return problems;
}

function scopeOf(block: Block): Omit<UnknownPeriod, 'reason'> {
  return {
    provider: block.provider,
    models: block.models,
    dated: block.dated,
    prefixes: block.prefixes,
    endings: block.endings,
    containing: block.containing,
    region: block.region,
    effectiveFromMs: block.effective_from,
    effectiveToMs: block.effective_to ?? null,
  };
}

interface Band {
  readonly above: number;
  readonly upTo: number | null;
}

function blockEntries(block: Block, from: Source): readonly PriceEntry[] {
  const { prices = {}, long_context: long, up_to_input_tokens: upTo = null } = block;
  if (long === undefined) return pricedEntries(block, from, prices, { above: 0, upTo });
  return [
    ...pricedEntries(block, from, prices, { above: 0, upTo: long.above_input_tokens }),
    ...pricedEntries(block, from, long.prices, { above: long.above_input_tokens, upTo }),
  ];
}

function pricedEntries(block: Block, from: Source, tiers: TierPrices, band: Band): readonly PriceEntry[] {
  const scope = scopeOf(block);
  return Object.entries(tiers).flatMap(([serviceTier, prices]) => {
    const byClass = pricesByClass(prices);
    const parts = partsOf(new Set(byClass.keys()), from.unlisted);
    return Array.from(byClass, ([usageClass, written]) =>
      written.map(({ amount, perUnits = block.per_units, upToUnits }, index): PriceEntry => {
        const aboveUnits = written[index - 1]?.upToUnits ?? 0;
        return {
          ...scope,
          id: entryId(
            block,
            serviceTier,
            `${usageClass}${band.above === 0 ? '' : `>${band.above}`}${aboveUnits === 0 ? '' : `+${aboveUnits}`}`,
          ),
          serviceTier,
          aboveInputTokens: band.above,
          upToInputTokens: band.upTo,
          usageClass,
          alsoFor: parts.get(usageClass) ?? [],
          price: amount,
          perUnits,
          aboveUnits,
          upToUnits,
          daily: block.daily ?? null,
          sourceUrl: from.url,
          sourceDate: from.date,
        };
      }),
    ).flat();
  });
}

function entryId(block: Block, serviceTier: string, what: string): string {
  return [
    block.provider,
    firstName(block),
    ...(block.region === '' ? [] : [block.region]),
    ...(serviceTier === STANDARD_TIER ? [] : [serviceTier]),
    what,
    new Date(block.effective_from).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z'),
    ...(block.daily === undefined ? [] : [formatTimeOfDay(block.daily)]),
  ].join('/');
}

function firstName({ models, dated, prefixes, endings, containing }: Block): string {
  const written = [
    ...models,
    ...dated,
    ...prefixes.map((name) => `${name}*`),
    ...endings.map((name) => `*${name}`),
    ...containing.map((name) => `*${name}*`),
  ];
  return written[0] ?? '';
}

/** A class that is named itself goes before the price it would share. */
function pricesByClass(prices: ClassPrices): ReadonlyMap<ChargedClass, readonly WrittenPrice[]> {
  const byClass = new Map<ChargedClass, readonly WrittenPrice[]>();
  for (const charged of CHARGED_CLASSES) {
    const shared = Object.entries(SHARED_PRICES).find(([, classes]) => classes.some((each) => each === charged))?.[0];
    const found = prices[charged] ?? (shared === undefined ? undefined : prices[shared as keyof typeof SHARED_PRICES]);
    if (found !== undefined) byClass.set(charged, found);
  }
  return byClass;
}
