/** One case of what somebody's usage cost: inclusive totals with their parts, as others state usage, and the amount. */
import type { ChargedClass } from '@tokenledger/domain';
import { z } from 'zod';

export const priceCase = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  usage: z.record(z.string(), z.number().nonnegative().nullable()),
  /** A day, a moment, or seconds since the epoch. */
  at: z.union([z.string(), z.number().transform(String)]),
  usd: z.union([z.string(), z.number().transform(String)]),
  tolerance_relative: z.number().nonnegative(),
  basis: z.string(),
  source: z.string().optional(),
  region: z.string().nullish(),
  service_tier: z.string().nullish(),
});

export type PriceCase = z.output<typeof priceCase>;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const SECONDS = /^\d{9,11}(?:\.\d+)?$/;
const ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i;
const SECOND_MS = 1000;

/** A day alone stands for its noon, UTC: who writes no hour means none of the few that have a price of their own. A time without a zone is UTC too. */
export function timeOf({ at }: Pick<PriceCase, 'at'>): number {
  const text = at.trim().replace(' ', 'T');
  if (SECONDS.test(text)) return Number(text) * SECOND_MS;
  const ms = Date.parse(DAY.test(text) ? `${text}T12:00:00Z` : ZONE.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms)) throw new Error(`'${at}' is no time`);
  return ms;
}

/** A provider as books call it: in small letters, parted by dashes. */
export function providerOf({ provider }: Pick<PriceCase, 'provider'>): string {
  return provider.trim().toLowerCase().replaceAll(/[ .]+/g, '-');
}

/** Names that a model may be meant by, the one that is stated first: some write whose it is, or that it is one, before it. */
export function namesOf({ provider, model }: Pick<PriceCase, 'provider' | 'model'>): readonly string[] {
  const beginnings = [`${provider}/`, `${provider}:`, 'models/', 'publishers/google/models/'];
  return [model, ...beginnings.filter((each) => model.startsWith(each)).map((each) => model.slice(each.length))];
}

/** Decimals of `amountOf`: floats that others reckoned with have more than an amount may have. */
export const CASE_DECIMALS = 30;

const AMOUNT = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/** Units of 10⁻³⁰ USD; what is smaller is left out. */
export function amountOf({ usd }: Pick<PriceCase, 'usd'>): bigint {
  const [match, whole = '', fraction = '', exponent = '0'] = AMOUNT.exec(usd) ?? [];
  if (match === undefined) throw new Error(`'${usd}' is no amount`);
  const shift = CASE_DECIMALS - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  return shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
}

/** Other names of the same quantity. */
const SYNONYMS: Readonly<Record<string, string>> = {
  prompt_tokens: 'input_tokens',
  completion_tokens: 'output_tokens',
  cached_input_tokens: 'cache_read_tokens',
  cached_tokens: 'cache_read_tokens',
  cached_prompt_tokens: 'cache_read_tokens',
  input_cached_tokens: 'cache_read_tokens',
  input_cache_read_tokens: 'cache_read_tokens',
  cache_creation_tokens: 'cache_write_tokens',
  cache_creation_5m_tokens: 'cache_write_5m_tokens',
  cache_creation_1h_tokens: 'cache_write_1h_tokens',
  input_cache_write_tokens: 'cache_write_tokens',
  input_cache_creation_tokens: 'cache_write_tokens',
  audio_input_tokens: 'input_audio_tokens',
  audio_output_tokens: 'output_audio_tokens',
  thinking_tokens: 'reasoning_tokens',
  web_search_calls: 'web_search_requests',
  file_search_calls: 'file_search_requests',
  output_reasoning_tokens: 'reasoning_tokens',
  web_searches: 'web_search_requests',
  storage_searches: 'file_search_requests',
  file_searches: 'file_search_requests',
  code_executions: 'code_execution_requests',
  input_audio_seconds: 'audio_seconds',
  cached_audio_tokens: 'cache_audio_read_tokens',
  cached_image_tokens: 'cache_image_read_tokens',
  cached_video_tokens: 'cache_video_read_tokens',
  input_document_pages: 'pages',
  input_annotated_document_pages: 'annotated_pages',
  input_text_messages: 'text_messages',
  input_characters: 'characters',
};

export interface CaseQuantities {
  readonly quantities: Readonly<Partial<Record<ChargedClass, number>>>;
  /** Inclusive input, for thresholds. */
  readonly inputTokens: number;
}

/** Classes that do not overlap, from totals that include their parts. Throws when parts exceed their total, or a field is unknown: either way the cost
 *  would be wrong. */
export function quantitiesOf({ usage }: Pick<PriceCase, 'usage'>): CaseQuantities {
  const stated = new Map<string, number>();
  for (const [name, value] of Object.entries(usage)) if (value !== null) stated.set(SYNONYMS[name] ?? name, value);
  const of = (name: string): number => {
    const value = stated.get(name) ?? 0;
    stated.delete(name);
    return value;
  };

  const input = of('input_tokens');
  const cachedAudio = of('cache_audio_read_tokens');
  const cachedImage = of('cache_image_read_tokens');
  const cachedVideo = of('cache_video_read_tokens');
  const cacheRead = of('cache_read_tokens');
  const write1h = of('cache_write_1h_tokens');
  const write5m = of('cache_write_5m_tokens');
  // What is not said to be kept longer is kept for the shorter time.
  const written = Math.max(of('cache_write_tokens'), write5m + write1h);
  const audio = Math.max(of('input_audio_tokens'), cachedAudio);
  const image = Math.max(of('input_image_tokens'), cachedImage);
  const video = Math.max(of('input_video_tokens'), cachedVideo);
  const cachedText = rest(cacheRead, 'cache_read_tokens', cachedAudio, cachedImage, cachedVideo);
  const media = [audio - cachedAudio, image - cachedImage, video - cachedVideo] as const;
  const uncached = rest(input, 'input_tokens', Math.max(cacheRead, cachedAudio + cachedImage + cachedVideo), written, ...media);

  const output = of('output_tokens');
  const outputParts = {
    reasoning: of('reasoning_tokens'),
    output_audio: of('output_audio_tokens'),
    output_image: of('output_image_tokens'),
    output_video: of('output_video_tokens'),
    citation: of('output_citation_tokens'),
  };
  const units = Object.fromEntries(
    (
      [
        'web_search_requests',
        'file_search_requests',
        'code_execution_requests',
        'images',
        'audio_seconds',
        'characters',
        'pages',
        'annotated_pages',
        'text_messages',
      ] satisfies ChargedClass[]
    ).map((name) => [name, of(name)]),
  );
  // Each attempt is one request: a price for it is charged without being told.
  of('requests');
  // Other tokens are parts of the totals that no price tells apart, and stay in what is left of them.
  const unknown = [...stated.keys()].filter((name) => !name.endsWith('_tokens'));
  if (unknown.length > 0) throw new Error(`no price is known to be for ${unknown.join(', ')}`);
  return {
    inputTokens: input,
    quantities: {
      uncached_input: uncached,
      cache_read: cachedText,
      cached_audio: cachedAudio,
      cached_image: cachedImage,
      cached_video: cachedVideo,
      cache_write_5m: written - write1h,
      cache_write_1h: write1h,
      input_audio: media[0],
      input_image: media[1],
      input_video: media[2],
      visible_output: rest(output, 'output_tokens', ...Object.values(outputParts)),
      ...outputParts,
      ...units,
    },
  };
}

function rest(total: number, name: string, ...parts: readonly number[]): number {
  const left = total - parts.reduce((sum, part) => sum + part, 0);
  if (left < 0) throw new Error(`the parts of ${name} exceed it by ${-left}`);
  return left;
}
