/** The text of the price book that ships, from overrides, what is newer than the installed collection, and that. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { findProvider } from '@pydantic/genai-prices';
import { isRejected } from '@tokenledger/domain';
import {
  bookText,
  type CollectedBlocks,
  collectedBlocks,
  parseCollectedProvider,
  parsePriceBook,
  type PriceBook,
} from '@tokenledger/pricing';
import { parse } from 'yaml';
import { z } from 'zod';

const names = z.array(z.string()).default([]);
const additionSchema = z.strictObject({
  provider: z.string(),
  /** Models as the collection calls them; absent: all of the provider. */
  models: z.array(z.string()).optional(),
  source: z.string(),
  effective_from: z.string(),
  prices: z.record(z.string(), z.record(z.string(), z.string())),
  long_context: z
    .strictObject({ above_input_tokens: z.string(), prices: z.record(z.string(), z.record(z.string(), z.string())) })
    .optional(),
});
type Addition = z.output<typeof additionSchema>;

const overridesSchema = z.strictObject({
  about: z.record(z.string(), z.string()),
  collection: z.strictObject({
    package: z.string(),
    version: z.string(),
    date: z.string(),
    earliest: z.string(),
    providers: z.array(z.string()),
    dated: names,
  }),
  providers: z.record(z.string(), z.unknown()),
  additions: z.array(additionSchema),
  sources: z.record(z.string(), z.unknown()),
  blocks: z.array(z.looseObject({ source: z.string() })),
});

const NAME_KINDS = ['models', 'dated', 'prefixes', 'endings', 'containing'] as const;

/** How the parts of a block are written down. */
const ORDER: readonly string[] = ['provider', 'source', 'effective_from', 'effective_to', 'daily', 'prices', 'long_context'];

/** The collection has prices of this tier alone. */
const STANDARD = 'standard';

const newerSchema = z.strictObject({ sources: z.record(z.string(), z.unknown()), blocks: z.array(z.looseObject({ source: z.string() })) });

const HEADER = `# The price book that ships: what providers charge, since when, and where that is written.
# Made by \`npm run prices:book\` of overrides.yaml, newer.yaml and a public collection of prices (npm @pydantic/genai-prices, MIT): change those, not this file.
`;

/** Throws when the collection says something that a price book cannot, or is not the version that the overrides were written beside. */
export function madeBook(overridesText: string, newerText: string): string {
  // The failsafe schema knows no numbers: 0.30 stays the text that someone wrote.
  const { about, collection, providers, additions, sources, blocks } = overridesSchema.parse(parse(overridesText, { schema: 'failsafe' }));
  const installed = installedVersion(collection.package);
  if (installed !== collection.version) throw new Error(`${collection.package} ${installed} is installed, not ${collection.version}`);
  const newer = newerSchema.parse(parse(newerText, { schema: 'failsafe' }));
  const stated = bookOf({ sources, blocks });
  const takenByNewer = namesByProvider(newer.blocks);
  const collected = collection.providers.map((id) => {
    const provider = parseCollectedProvider(findProvider({ providerId: id }));
    const source = `collection-${id}`;
    const own = additions.filter((each) => each.provider === id);
    const models = collectedBlocks(provider, {
      source,
      earliest: collection.earliest,
      alwaysDated: collection.dated.includes(id),
      isTaken: (name, kind) => stated.pricesOf(id, name) !== undefined || takenByNewer.has(`${id}|${kind}|${name.toLowerCase()}`),
      without: (model) => new Set(addedTo(own, model).flatMap(({ prices }) => Object.keys(prices[STANDARD] ?? {}))),
    });
    const url = provider.pricing_urls?.[0] ?? 'https://github.com/pydantic/genai-prices';
    return {
      source,
      from: { url, date: collection.date, unlisted: 'as_containing' },
      blocks: models.flatMap((model) => withAdditions(model, own)),
    };
  });
  const allSources = { ...sources, ...newer.sources, ...Object.fromEntries(collected.map(({ source, from }) => [source, from])) };
  return bookText(
    {
      about,
      sources: allSources,
      providers,
      blocks: [...blocks, ...merged([...newer.blocks, ...collected.flatMap((each) => each.blocks)])],
    },
    HEADER,
  );
}

/** One block for all names that cost the same over the same time, by the same source: a book has to fit into a document. */
function merged(blocks: readonly object[]): readonly object[] {
  const byPrices = new Map<string, { names: Record<string, string[]>; prices: object }>();
  for (const block of blocks) {
    const all = Object.entries(block as Readonly<Record<string, unknown>>);
    const isNames = ([key]: readonly [string, unknown]): boolean => (NAME_KINDS as readonly string[]).includes(key);
    const prices = Object.fromEntries(all.filter((entry) => !isNames(entry)).toSorted(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b)));
    const key = JSON.stringify(prices);
    const group = byPrices.get(key) ?? { names: {}, prices };
    for (const [kind, some] of all.filter(isNames)) (group.names[kind] ??= []).push(...names.parse(some));
    byPrices.set(key, group);
  }
  return [...byPrices.values()].map(({ names: named, prices: { ...rest } }) => {
    const { provider, ...others } = rest as { provider?: unknown };
    return { provider, ...named, ...others };
  });
}

/** Names whose price `newer.yaml` states, as a whole. */
function namesByProvider(blocks: readonly { readonly [key: string]: unknown }[]): ReadonlySet<string> {
  return new Set(
    blocks.flatMap((block) =>
      NAME_KINDS.flatMap((kind) =>
        names.parse(block[kind]).map((name) => `${String(block['provider'])}|${kind === 'dated' ? 'models' : kind}|${name.toLowerCase()}`),
      ),
    ),
  );
}

function withAdditions({ model, names: named, blocks }: CollectedBlocks, additions: readonly Addition[]): readonly object[] {
  const added = addedTo(additions, model).map(({ provider, source, effective_from, prices, long_context: long }) => ({
    provider,
    ...named,
    source,
    effective_from,
    prices,
    ...(long === undefined ? {} : { long_context: long }),
  }));
  return [...blocks, ...added];
}

function addedTo(additions: readonly Addition[], model: string): readonly Addition[] {
  return additions.filter(({ models }) => models?.includes(model) ?? true);
}

function bookOf(file: object): PriceBook {
  const book = parsePriceBook(JSON.stringify(file));
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

function installedVersion(name: string): string {
  // Its package.json is not among its exports: it stands above its entry.
  const entry = createRequire(import.meta.url).resolve(name);
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', `file://${entry}`), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}
