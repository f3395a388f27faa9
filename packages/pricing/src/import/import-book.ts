/** What a book becomes by an import: prices that changed end at an instant and go on with what the file says; nothing that held before is written anew. */
import { type ChargedClass, isRejected, type Rejected } from '@tokenledger/domain';
import { parse } from 'yaml';
import { bookText } from '../book-text.ts';
import type { CollectedBlocks, WrittenBlock } from '../collection/blocks.ts';
import type { Unlisted } from '../containing-classes.ts';
import type { ModelPrices } from '../model-prices.ts';
import { parsePriceBook, type PriceBook } from '../price-book.ts';
import { parsePrices } from '../price-text.ts';
import { type BlockPrices, comparePrices, PER_UNITS, type PriceChange, THRESHOLD_TOLERANCE } from './compare-prices.ts';
import type { ImportedPrices, LeftOut } from './imported.ts';

export interface ImportInto {
  /** The text of the book that the prices go into. */
  readonly text: string;
  readonly imported: ImportedPrices;
  /** Name that the imported blocks give their source, its page and its day, and what it says of what it does not list. */
  readonly source: { readonly name: string; readonly url: string; readonly date: string; readonly unlisted: Unlisted };
  /** When changed prices begin to hold, as a book writes it. */
  readonly from: string;
  readonly about: Readonly<Record<string, string>>;
}

export interface ImportedBook {
  readonly text: string;
  readonly book: PriceBook;
  readonly changes: readonly PriceChange[];
  /** Names that the file does not have although it has others of their provider: they keep their prices. */
  readonly gone: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Names whose prices the file confirms. */
  readonly unchanged: number;
}

const KINDS = ['models', 'dated', 'prefixes', 'endings', 'containing'] as const;
type Kind = (typeof KINDS)[number];
interface Name {
  readonly kind: Kind;
  readonly name: string;
}
type Scope = Partial<Readonly<Record<Kind, readonly string[]>>>;

/** A block as the file has it: everything is text. */
interface RawBlock extends Scope, BlockPrices {
  readonly provider: string;
  readonly source: string;
  readonly effective_from: string;
  readonly effective_to?: string;
  readonly region?: string;
  readonly daily?: string;
  readonly unknown?: string;
  readonly per_units?: string;
  readonly up_to_input_tokens?: string;
}

interface RawBook {
  readonly sources: Readonly<Record<string, { readonly unlisted?: Unlisted }>>;
  readonly providers?: object;
  readonly blocks: readonly RawBlock[];
}

/** Names of a block whose prices go on otherwise. */
interface Split {
  readonly names: readonly Name[];
  readonly merged: BlockPrices;
}

/** Rejects `PRICE_BOOK_INVALID` when the book is none, or would be none. */
export function importPrices(into: ImportInto): ImportedBook | Rejected {
  const base = parsePriceBook(into.text);
  if (isRejected(base)) return base;
  const raw = parse(into.text, { schema: 'failsafe' }) as RawBook;
  const plan = planOf(into, base, raw);

  const sources = new Map<string, object>();
  // What the rest of a block means by leaving a class out must not change with where one of its prices was read.
  const sourceOf = (unlisted: Unlisted): string => {
    const name = unlisted === 'unknown' ? into.source.name : `${into.source.name}-${unlisted}`;
    sources.set(name, { url: into.source.url, date: into.source.date, ...(unlisted === 'unknown' ? {} : { unlisted }) });
    return name;
  };
  const kept = raw.blocks.flatMap((block) =>
    splitBlock(block, plan.splits.get(block) ?? [], into.from, () => sourceOf(unlistedBy(raw, block))),
  );
  const added = plan.added.map((block) => ({ ...block, source: sourceOf(into.source.unlisted) }));
  const text = bookText({
    about: into.about,
    sources: { ...raw.sources, ...Object.fromEntries(sources) },
    providers: raw.providers ?? {},
    blocks: [...kept, ...added],
  });
  const book = parsePriceBook(text);
  return isRejected(book) ? book : { text, book, ...plan.told };
}

interface Plan {
  readonly splits: ReadonlyMap<RawBlock, readonly Split[]>;
  readonly added: readonly WrittenBlock[];
  readonly told: Pick<ImportedBook, 'changes' | 'gone' | 'leftOut' | 'unchanged'>;
}

function planOf({ imported, source, from }: ImportInto, base: PriceBook, raw: RawBook): Plan {
  const atMs = Date.parse(from);
  const index = indexOf(raw.blocks);
  const splits = new Map<RawBlock, Split[]>();
  const added: WrittenBlock[] = [];
  const changes: PriceChange[] = [];
  const leftOut = [...imported.leftOut];
  const seen = new Set<string>();
  let unchanged = 0;

  for (const model of imported.models) {
    const provider = model.blocks[0]?.provider ?? '';
    const names = namesOf(model.names);
    for (const each of names) seen.add(keyOf(provider, each));
    const stated = statedAt(model, atMs);
    if (stated === undefined) {
      leftOut.push({ what: `${provider}/${model.model}`, why: 'the file has no one price for that time' });
      continue;
    }
    const { fresh, known, odd, confirmed } = sorted(provider, names, stated, index, base, atMs);
    leftOut.push(...odd);
    unchanged += confirmed.length;
    if (fresh.length > 0) {
      added.push(...model.blocks.map((block) => ({ ...unnamed(block), ...scopeOf(fresh), ...filled(block) })));
      const { changes: all } = comparePrices({ provider, model: shown(fresh[0]), unlisted: source.unlisted }, {}, stated);
      changes.push(...all.map((change) => ({ ...change, kind: 'new' as const, before: null })));
    }
    for (const [block, { names: affected, stated: own }] of known) {
      const name = shown(affected[0]);
      const compared = comparePrices({ provider, model: name, unlisted: unlistedBy(raw, block) }, block, own);
      if (compared.otherThreshold)
        leftOut.push({ what: `${provider}/${name}`, why: 'the book has another length from which requests cost otherwise' });
      if (compared.changes.length === 0) {
        unchanged += affected.length;
        continue;
      }
      changes.push(...compared.changes);
      splits.set(block, [...(splits.get(block) ?? []), { names: affected, merged: compared.merged }]);
    }
  }
  return { splits, added, told: { changes, leftOut, unchanged, gone: goneFrom(index, seen, imported.models, atMs) } };
}

/** The one price that a model has all day at that time. */
function statedAt({ blocks }: CollectedBlocks, atMs: number): WrittenBlock | undefined {
  const [stated, ...others] = blocks.filter((block) => holdsAt(block, atMs));
  return stated?.daily === undefined && others.length === 0 ? stated : undefined;
}

interface Sorted {
  /** Names that the book does not have. */
  readonly fresh: readonly Name[];
  /** By the block that has their prices now, and what the file says of those. */
  readonly known: ReadonlyMap<RawBlock, { readonly names: readonly Name[]; readonly stated: BlockPrices }>;
  /** Names of which an import cannot say what they become. */
  readonly odd: readonly LeftOut[];
  /** Names that cost what the file says, although the book does not have them. */
  readonly confirmed: readonly Name[];
}

function sorted(
  provider: string,
  names: readonly Name[],
  stated: WrittenBlock,
  index: ReadonlyMap<string, readonly RawBlock[]>,
  base: PriceBook,
  atMs: number,
): Sorted {
  const fresh: Name[] = [];
  const known = new Map<RawBlock, { readonly names: Name[]; readonly stated: BlockPrices }>();
  const odd: LeftOut[] = [];
  const confirmed: Name[] = [];
  for (const each of names) {
    const serving = index.get(keyOf(provider, each));
    if (serving === undefined) {
      const isExact = each.kind === 'models' || each.kind === 'dated';
      const prices = isExact ? base.pricesOf(provider, each.name) : undefined;
      if (prices === undefined) fresh.push(each);
      else if (confirms(stated, prices, atMs)) confirmed.push(each);
      else
        odd.push({
          what: `${provider}/${each.name}`,
          why: 'in the book a part of its name, or another provider, has its price: state it there',
        });
      continue;
    }
    const current = serving.filter((block) => holdsAt(block, atMs));
    const sharing = current.filter((block) => pricedBy(block).some((priced) => pricedBy(stated).includes(priced)));
    const [main, ...others] = sharing.length === 0 ? current : sharing;
    if (main === undefined || others.length > 0 || !isPlain(main)) {
      odd.push({ what: `${provider}/${each.name}`, why: 'the book has hours, regions or no single price for it: state it there' });
      continue;
    }
    // Fees may have a block of their own.
    const apart = new Set(current.filter((block) => block !== main).flatMap(pricedBy));
    const there = known.get(main);
    // As the book has it: whether a date may follow is not the file's to say.
    const own = namesOf(main).filter((name) => keyOf(provider, name) === keyOf(provider, each));
    if (there === undefined) known.set(main, { names: [...own], stated: without(stated, apart) });
    else there.names.push(...own);
  }
  return { fresh, known, odd, confirmed };
}

/** What a file does not state for long requests costs what it costs for others. */
function filled({ prices, long_context: long }: WrittenBlock): Pick<WrittenBlock, 'long_context'> {
  if (long === undefined) return {};
  const whole = Object.entries(prices).map(([tier, of]) => [tier, { ...of, ...long.prices[tier] }]);
  return { long_context: { ...long, prices: Object.fromEntries(whole) } };
}

const SHORTEST = 1;

/** Whether all that is stated costs that much, of short requests and of long ones. */
function confirms(stated: BlockPrices, prices: ModelPrices, atMs: number): boolean {
  const { prices: short = {}, long_context: long } = stated;
  const above = long === undefined ? [] : [[long.prices, Number(long.above_input_tokens) + 1 + THRESHOLD_TOLERANCE] as const];
  return [[short, SHORTEST] as const, ...above].every(([tiers, inputTokens]) =>
    Object.entries(tiers).every(([tier, of]) =>
      Object.entries(of).every(([name, written]) => {
        const usageClass = (name === 'input' ? 'uncached_input' : name === 'output' ? 'visible_output' : name) as ChargedClass;
        const [entry, ...others] = prices.sheet(tier, '').pricesAt(usageClass, atMs, inputTokens);
        const [said] = parsePrices(written) ?? [];
        if (entry === undefined || said === undefined || others.length > 0) return false;
        return entry.price * BigInt(said.perUnits ?? PER_UNITS) === said.amount * BigInt(entry.perUnits);
      }),
    ),
  );
}

/** What a block prices: tier and class. */
function pricedBy({ prices = {} }: BlockPrices): readonly string[] {
  return Object.entries(prices).flatMap(([tier, of]) => Object.keys(of).map((name) => `${tier}|${name}`));
}

function without({ prices = {}, long_context: long }: BlockPrices, priced: ReadonlySet<string>): BlockPrices {
  const kept = (tiers: NonNullable<BlockPrices['prices']>): NonNullable<BlockPrices['prices']> =>
    Object.fromEntries(
      Object.entries(tiers).map(([tier, of]) => [
        tier,
        Object.fromEntries(Object.entries(of).filter(([name]) => !priced.has(`${tier}|${name}`))),
      ]),
    );
  return { prices: kept(prices), ...(long === undefined ? {} : { long_context: { ...long, prices: kept(long.prices) } }) };
}

/** The block without the names that are split off, and for each of those what held until then and what holds from then on. */
function splitBlock(block: RawBlock, splits: readonly Split[], from: string, source: () => string): readonly RawBlock[] {
  if (splits.length === 0) return [block];
  const gone = new Set(splits.flatMap(({ names }) => names.map((each) => keyOf(block.provider, each))));
  const left = namesOf(block).filter((each) => !gone.has(keyOf(block.provider, each)));
  const rest = left.length === 0 ? [] : [{ ...unnamed(block), ...scopeOf(left) }];
  const parts = splits.flatMap(({ names, merged }): RawBlock[] => {
    const own = { ...unnamed(block), ...scopeOf(names) };
    const after = { ...own, ...merged, effective_from: from, source: source() };
    return Date.parse(block.effective_from) < Date.parse(from) ? [{ ...own, effective_to: from }, after] : [after];
  });
  return [...rest, ...parts];
}

function goneFrom(
  index: ReadonlyMap<string, readonly RawBlock[]>,
  seen: ReadonlySet<string>,
  models: readonly CollectedBlocks[],
  atMs: number,
): readonly string[] {
  const providers = new Set(models.map(({ blocks }) => blocks[0]?.provider ?? ''));
  const gone = [...index].filter(
    ([key, of]) =>
      !seen.has(key) && of.some((block) => providers.has(block.provider) && block.unknown === undefined && holdsAt(block, atMs)),
  );
  return gone.map(([key]) => key.replace(/\|[a-z]+\|/, '/')).toSorted();
}

function isPlain({ region = '', daily, unknown, per_units: perUnits, up_to_input_tokens: upTo }: RawBlock): boolean {
  return region === '' && daily === undefined && unknown === undefined && perUnits === undefined && upTo === undefined;
}

function unlistedBy(raw: RawBook, { source }: RawBlock): Unlisted {
  return raw.sources[source]?.unlisted ?? 'unknown';
}

function holdsAt({ effective_from: from, effective_to: to }: Pick<RawBlock, 'effective_from' | 'effective_to'>, atMs: number): boolean {
  return Date.parse(from) <= atMs && (to === undefined || atMs < Date.parse(to));
}

function indexOf(blocks: readonly RawBlock[]): ReadonlyMap<string, readonly RawBlock[]> {
  const index = new Map<string, RawBlock[]>();
  for (const block of blocks) {
    for (const each of namesOf(block)) {
      const key = keyOf(block.provider, each);
      const known = index.get(key);
      if (known === undefined) index.set(key, [block]);
      else if (!known.includes(block)) known.push(block);
    }
  }
  return index;
}

function namesOf(scope: Scope): readonly Name[] {
  return KINDS.flatMap((kind) => (scope[kind] ?? []).map((name) => ({ kind, name })));
}

function scopeOf(names: readonly Name[]): Scope {
  return Object.fromEntries(
    KINDS.map((kind) => [kind, names.filter((each) => each.kind === kind).map(({ name }) => name)] as const).filter(
      ([, { length }]) => length > 0,
    ),
  );
}

function unnamed<Block extends Scope>(block: Block): Omit<Block, Kind> {
  const rest: Record<string, unknown> = { ...block };
  for (const kind of KINDS) delete rest[kind];
  return rest as Omit<Block, Kind>;
}

function shown(name: Name | undefined): string {
  const stars = { models: ['', ''], dated: ['', ''], prefixes: ['', '*'], endings: ['*', ''], containing: ['*', '*'] } as const;
  return name === undefined ? '' : stars[name.kind].join(name.name);
}

/** A dated name is an exact one too. */
function keyOf(provider: string, { kind, name }: Name): string {
  return `${provider}|${kind === 'dated' ? 'models' : kind}|${name.toLowerCase()}`;
}
