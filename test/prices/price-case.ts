/** One case of what somebody's usage cost: inclusive totals with their parts, as others state usage, and the amount. */
import type { ChargedClass } from '@tokenledger/domain';
import { z } from 'zod';

export const priceCase = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  usage: z.record(z.string(), z.number().nonnegative().nullable()),
  at: z.string(),
  usd: z.union([z.string(), z.number().transform(String)]),
  tolerance_relative: z.number().nonnegative(),
  basis: z.string(),
  source: z.string().optional(),
  region: z.string().optional(),
  service_tier: z.string().optional(),
});

export type PriceCase = z.output<typeof priceCase>;

/** A day alone stands for its noon, UTC: who writes no hour means none of the few that have a price of their own. */
export function timeOf({ at }: PriceCase): number {
  const ms = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(at) ? `${at}T12:00:00Z` : at);
  if (Number.isNaN(ms)) throw new Error(`'${at}' is no time`);
  return ms;
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
