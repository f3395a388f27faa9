/** Prices from a file in LiteLLM's format: an object of models, each with its provider and prices for one unit. */
import { type ChargedClass, type Rejected, rejected } from '@tokenledger/domain';
import type { CollectedBlocks, WrittenBlock } from '../collection/blocks.ts';
import { type ImportedPrices, type ImportOptions, isWanted, type LeftOut } from './imported.ts';

type Priced = ChargedClass | 'input' | 'output';

/** LiteLLM's providers as price books call them. Those of which it says no more than what others sell are not here. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['anthropic', 'anthropic'],
  ['azure', 'azure'],
  ['bedrock', 'aws'],
  ['bedrock_converse', 'aws'],
  ['cerebras', 'cerebras'],
  ['cohere', 'cohere'],
  ['cohere_chat', 'cohere'],
  ['deepseek', 'deepseek'],
  ['fireworks_ai', 'fireworks'],
  ['gemini', 'google'],
  ['groq', 'groq'],
  ['minimax', 'minimax'],
  ['mistral', 'mistral'],
  ['moonshot', 'moonshotai'],
  ['novita', 'novita'],
  ['openai', 'openai'],
  ['openrouter', 'openrouter'],
  ['perplexity', 'perplexity'],
  ['together_ai', 'together'],
  ['voyage', 'voyageai'],
  ['xai', 'x-ai'],
  ['zai', 'zai'],
]);

/** Providers whose own names of models have a slash in them. */
const WITH_SLASHES: ReadonlySet<string> = new Set(['fireworks', 'groq', 'novita', 'openrouter', 'together']);

/** Its keys, without what is said of tier and length behind them; prices are for one unit. */
const KEYS: ReadonlyMap<string, Priced> = new Map(
  Object.entries({
    input_cost_per_token: 'input',
    output_cost_per_token: 'output',
    cache_read_input_token_cost: 'cache_read',
    cache_creation_input_token_cost: 'cache_write_5m',
    cache_creation_input_token_cost_above_1hr: 'cache_write_1h',
    input_cost_per_audio_token: 'input_audio',
    cache_read_input_audio_token_cost: 'cached_audio',
    input_cost_per_image_token: 'input_image',
    output_cost_per_audio_token: 'output_audio',
    output_cost_per_image_token: 'output_image',
    output_cost_per_reasoning_token: 'reasoning',
    input_cost_per_character: 'characters',
    input_cost_per_second: 'audio_seconds',
    input_cost_per_request: 'requests',
    output_cost_per_image: 'images',
    citation_cost_per_token: 'citation',
    ocr_cost_per_page: 'pages',
    annotation_cost_per_page: 'annotated_pages',
  } as const satisfies Readonly<Record<string, Priced>>),
);

/** The longest key first: one may begin like another. */
const BASES = [...KEYS.keys()].toSorted((a, b) => b.length - a.length);
const SUFFIX = /^(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?$/;
const TIERS: Readonly<Record<string, string>> = { batches: 'batch', flex: 'flex', priority: 'priority' };
const NUMBER = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;
const PRICE_KEY = /(?:^|_)costs?(?:_|$)/;
const UNITS_SHIFT = 6;
const DECIMALS_MAX = 12;
const SAMPLE = 'sample_spec';

/** What is no price, and prices that a book has no class for, are left out and said. Rejects `PRICES_UNREADABLE` what is no such file. */
export function readLitellm(text: string, options: ImportOptions): ImportedPrices | Rejected {
  const parsed = exactJson(text);
  if (parsed === null) return rejected('PRICES_UNREADABLE', 'this is no object of models, each with `litellm_provider` and prices');
  const byModel = new Map<string, CollectedBlocks>();
  const leftOut: LeftOut[] = [];
  const others = new Map<string, number>();
  for (const [key, stated] of Object.entries(parsed)) {
    if (key === SAMPLE) continue;
    const called = String(stated['litellm_provider']);
    const provider = PROVIDERS.get(called);
    if (provider === undefined) others.set(called, (others.get(called) ?? 0) + 1);
    if (provider === undefined || !isWanted(options, provider)) continue;
    const name = key.startsWith(`${called}/`) ? key.slice(called.length + 1) : key;
    if (name.includes('/') && !WITH_SLASHES.has(provider)) {
      leftOut.push({ what: `${provider}/${name}`, why: 'a price by region or size, which no answer says with the name' });
      continue;
    }
    const { block, unread } = blockOf(provider, name, stated, options);
    if (unread.length > 0) leftOut.push({ what: `${provider}/${name}`, why: `no class is charged by ${unread.join(', ')}` });
    // Both `gemini/x` and `x` may be there.
    if (block !== null && !byModel.has(`${provider}/${name}`))
      byModel.set(`${provider}/${name}`, { model: name, names: { models: [name] }, blocks: [block] });
  }
  for (const [called, count] of others) leftOut.push({ what: called, why: `no provider of a price book: ${count} models` });
  return { models: [...byModel.values()], leftOut };
}

type Prices = Record<string, Record<string, string>>;

function blockOf(
  provider: string,
  name: string,
  stated: Readonly<Record<string, unknown>>,
  { source, since }: ImportOptions,
): { readonly block: WrittenBlock | null; readonly unread: readonly string[] } {
  const [prices, long]: [Prices, Prices] = [{}, {}];
  const unread: string[] = [];
  let above: number | null = null;
  for (const [key, value] of Object.entries(stated)) {
    // It has 0 where there is no such price.
    if (!PRICE_KEY.test(key) || isZero(value)) continue;
    const read = typeof value === 'string' ? readKey(key, value) : searches(key, value);
    if (read === null || (read.above !== null && above !== null && read.above !== above)) {
      if (value !== null) unread.push(key);
      continue;
    }
    above = read.above ?? above;
    const tiers = read.above === null ? prices : long;
    (tiers[read.tier] ??= {})[read.charged] = read.price;
  }
  // A book has no price above a threshold without one below it.
  if (Object.keys(prices).length === 0) return { block: null, unread };
  const longPrices = above === null ? {} : { long_context: { above_input_tokens: String(above), prices: long } };
  return { block: { provider, models: [name], source, effective_from: since, prices, ...longPrices }, unread };
}

function isZero(value: unknown): boolean {
  return typeof value === 'string' && /^0(?:\.0*)?(?:e[+-]?\d+)?$/i.test(value);
}

interface ReadPrice {
  readonly charged: Priced;
  readonly tier: string;
  readonly above: number | null;
  readonly price: string;
}

function readKey(key: string, digits: string): ReadPrice | null {
  const base = BASES.find((each) => key === each || (key.startsWith(each) && SUFFIX.test(key.slice(each.length))));
  const charged = base === undefined ? undefined : KEYS.get(base);
  const price = perMillion(digits);
  if (base === undefined || charged === undefined || price === null) return null;
  const [, thousands, tier = ''] = SUFFIX.exec(key.slice(base.length)) ?? [];
  return { charged, tier: TIERS[tier] ?? 'standard', above: thousands === undefined ? null : Number(thousands) * 1000, price };
}

/** The fee of the search that is made unless asked otherwise. */
function searches(key: string, value: unknown): ReadPrice | null {
  if (key !== 'search_context_cost_per_query' || typeof value !== 'object' || value === null) return null;
  const digits: unknown = Reflect.get(value, 'search_context_size_medium');
  const price = typeof digits === 'string' ? perMillion(digits) : null;
  return price === null ? null : { charged: 'web_search_requests', tier: 'standard', above: null, price };
}

/** `1.5e-07` for one is `0.15` for a million: digits are moved, never computed with. */
function perMillion(digits: string): string | null {
  const [match, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(digits) ?? [];
  if (match === undefined) return null;
  const point = whole.length + Number(exponent) + UNITS_SHIFT;
  const all = `${'0'.repeat(Math.max(0, 1 - point))}${whole}${fraction}`;
  const at = Math.max(point, 1);
  const padded = all.padEnd(at, '0');
  // Floats that others computed end in digits that nobody charges.
  const kept =
    BigInt(padded.slice(0, at + DECIMALS_MAX).padEnd(at + DECIMALS_MAX, '0')) + ((padded[at + DECIMALS_MAX] ?? '0') >= '5' ? 1n : 0n);
  const [before, after] = [kept / 10n ** BigInt(DECIMALS_MAX), kept % 10n ** BigInt(DECIMALS_MAX)];
  const decimals = String(after).padStart(DECIMALS_MAX, '0').replace(/0+$/, '');
  return decimals === '' ? String(before) : `${before}.${decimals}`;
}

type Models = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function isModel(value: unknown): value is Models[string] {
  return typeof value === 'object' && value !== null && 'litellm_provider' in value;
}

/** Numbers as their own digits; what names no provider is no model. Null where nothing is one. */
function exactJson(text: string): Models | null {
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  try {
    const parsed: unknown = JSON.parse(text, reviver);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
    const models = Object.entries(parsed).filter(([, value]) => isModel(value));
    return models.length === 0 ? null : Object.fromEntries(models);
  } catch {
    return null;
  }
}
