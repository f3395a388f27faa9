/** The text of `newer.yaml`: what a later version of the public collection of prices has besides the installed one, or otherwise. */
import { findProvider } from '@pydantic/genai-prices';
import { isRejected } from '@tokenledger/domain';
import {
  bookText,
  type CollectedBlocks,
  collectedBlocks,
  parseCollectedProvider,
  parsePriceBook,
  type WrittenBlock,
} from '@tokenledger/pricing';
import { parse } from 'yaml';
import { z } from 'zod';

const additionSchema = z.looseObject({
  provider: z.string(),
  models: z.array(z.string()).optional(),
  prices: z.record(z.string(), z.record(z.string(), z.string())),
});
type Addition = z.output<typeof additionSchema>;

const overridesSchema = z.looseObject({
  collection: z.looseObject({ earliest: z.string(), providers: z.array(z.string()), dated: z.array(z.string()).default([]) }),
  additions: z.array(additionSchema),
  sources: z.record(z.string(), z.unknown()),
  blocks: z.array(z.unknown()),
});
const laterSchema = z.array(z.looseObject({ id: z.string(), models: z.array(z.looseObject({ id: z.string() })) }));

const NAME_KINDS = ['models', 'prefixes', 'endings', 'containing'] as const;
const DATE_BEHIND = /(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2})$/;

const HEADER = `# What a later version of the public collection has besides the installed one, or otherwise. Made by \`npm run prices:newer\`: change overrides.yaml, not this file.
# It goes behind the overrides and before the installed collection. A price that the later version has otherwise, and of which it says no day, holds from the
# day on which it was read; until then that of the installed version does.
`;

export interface NewerText {
  readonly text: string;
  /** Models of which the later version says what a price book cannot, and why. */
  readonly left: readonly string[];
}

type Names = CollectedBlocks['names'];
type Period = Omit<WrittenBlock, 'provider' | 'source' | keyof Names>;

/** `laterText`: the data of the later version, a list of providers as that project publishes them. `day`: on which it was read. */
export function newerText(overridesText: string, laterText: string, day: string): NewerText {
  const { collection, additions, sources, blocks } = overridesSchema.parse(parse(overridesText, { schema: 'failsafe' }));
  const stated = parsePriceBook(JSON.stringify({ sources, blocks }));
  if (isRejected(stated)) throw new Error(stated.message);
  const newerSources: Record<string, object> = {};
  const newerBlocks: object[] = [];
  const left: string[] = [];

  for (const provider of laterSchema.parse(JSON.parse(laterText))) {
    const { id } = provider;
    if (!collection.providers.includes(id)) continue;
    const alwaysDated = collection.dated.includes(id);
    const addedTo = (model: string): readonly Addition[] =>
      additions.filter((each) => each.provider === id && (each.models?.includes(model) ?? true));
    const options = {
      source: '',
      earliest: collection.earliest,
      alwaysDated,
      isTaken: () => false,
      without: (model: string) => new Set(addedTo(model).flatMap(({ prices }) => Object.keys(prices['standard'] ?? {}))),
    };
    const installed = findProvider({ providerId: id });
    const known = periodsByName(installed === undefined ? [] : collectedBlocks(parseCollectedProvider(installed), options));
    const source = `newer-${id}`;
    const claimed = new Set<string>();
    for (const model of provider.models) {
      try {
        const single = parseCollectedProvider({ ...provider, models: [model] });
        const [read] = collectedBlocks(single, {
          ...options,
          isTaken: (name, kind) => claimed.has(keyOf(kind, name)) || stated.pricesOf(id, name) !== undefined,
        });
        if (read === undefined || read.blocks.length === 0) continue;
        for (const [kind, name] of eachName(read.names)) claimed.add(keyOf(kind, name));
        for (const { names, periods } of changes(read, known, day)) {
          newerBlocks.push(...periods.map((period) => ({ source, provider: id, ...names, ...period })));
          for (const { provider: _, models: __, ...addition } of addedTo(model.id))
            newerBlocks.push({ provider: id, ...names, ...addition });
          newerSources[source] = {
            url: single.pricing_urls?.[0] ?? 'https://github.com/pydantic/genai-prices',
            date: day,
            unlisted: 'as_containing',
          };
        }
      } catch (error) {
        left.push(`${id}/${model.id}: ${error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error)}`);
      }
    }
  }
  return { text: bookText({ sources: newerSources, providers: {}, blocks: newerBlocks }, HEADER), left };
}

/** Names of one model that cost something else than in the installed version, or that it does not have, by what they are to cost. */
function changes(
  read: CollectedBlocks,
  known: ReadonlyMap<string, readonly Period[]>,
  day: string,
): readonly { names: Names; periods: readonly Period[] }[] {
  const later = read.blocks.map(periodOf);
  const saysDays = later.some(({ effective_to: to }) => to !== undefined);
  const groups = new Map<string, { names: Record<string, string[]>; periods: readonly Period[] }>();
  for (const [kind, name] of eachName(read.names)) {
    const sameKind = known.get(keyOf(kind === 'dated' ? 'models' : kind, name));
    if (sameKind !== undefined && isSame(sameKind, later)) continue;
    // What was a beginning of names may be a whole one now, and costs what it did.
    const before = sameKind ?? NAME_KINDS.map((other) => known.get(keyOf(other, name))).find((periods) => periods !== undefined);
    if (before === undefined && kind === 'dated' && isDatedName(name, read.names.dated ?? [])) continue;
    const isKnownSince = before === undefined || saysDays || saysMore(before, later);
    const periods = isKnownSince
      ? later
      : [...before.flatMap((each) => endedOn(each, day)), ...later.map((each) => ({ ...each, effective_from: day }))];
    const key = JSON.stringify(periods);
    const group = groups.get(key) ?? { names: {}, periods };
    (group.names[kind] ??= []).push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function periodsByName(installed: readonly CollectedBlocks[]): ReadonlyMap<string, readonly Period[]> {
  return new Map(
    installed.flatMap(({ names, blocks }) =>
      [...eachName(names)].map(([kind, name]) => [keyOf(kind === 'dated' ? 'models' : kind, name), blocks.map(periodOf)] as const),
    ),
  );
}

function periodOf({ effective_from, effective_to, daily, prices, long_context }: Period): Period {
  return {
    effective_from,
    ...(effective_to === undefined ? {} : { effective_to }),
    ...(daily === undefined ? {} : { daily }),
    prices,
    ...(long_context === undefined ? {} : { long_context }),
  };
}

function endedOn(period: Period, day: string): readonly Period[] {
  if (period.effective_from >= day) return [];
  return [period.effective_to !== undefined && period.effective_to <= day ? period : periodOf({ ...period, effective_to: day })];
}

/** In whatever order prices are stated. */
function isSame(before: readonly Period[], later: readonly Period[]): boolean {
  const text = (periods: readonly Period[]): string =>
    JSON.stringify(periods, (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
  return text(before) === text(later);
}

/** The same prices and others besides, which held before too as far as anybody knows. */
function saysMore(before: readonly Period[], later: readonly Period[]): boolean {
  const ofStated = later.map((each, index): Period => {
    const stated = before[index];
    if (stated === undefined) return each;
    const long = each.long_context;
    return {
      ...each,
      prices: statedOf(each.prices, stated.prices),
      ...(long === undefined ? {} : { long_context: { ...long, prices: statedOf(long.prices, stated.long_context?.prices ?? {}) } }),
    };
  });
  return isSame(before, ofStated);
}

function statedOf(prices: Period['prices'], stated: Period['prices']): Period['prices'] {
  return Object.fromEntries(
    Object.entries(prices).map(([tier, classes]) => [
      tier,
      Object.fromEntries(Object.entries(classes).filter(([charged]) => stated[tier]?.[charged] !== undefined)),
    ]),
  );
}

/** `big-20260505` beside `big`, which may be followed by a date. */
function isDatedName(name: string, names: readonly string[]): boolean {
  const plain = name.replace(DATE_BEHIND, '');
  return plain !== name && names.includes(plain);
}

function* eachName(names: Names): Generator<readonly [kind: string, name: string]> {
  for (const [kind, all] of Object.entries(names)) for (const name of all) yield [kind, name];
}

function keyOf(kind: string, name: string): string {
  return `${kind}|${name.toLowerCase()}`;
}
