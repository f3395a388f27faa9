/** Prices of the collection as a price book writes them: text, by class. */
import type { ChargedClass } from '@tokenledger/domain';
import type { CollectedPrices } from './data.ts';

type Priced = ChargedClass | 'input' | 'output';

/** The collection's keys, and for how many units their prices are. Source: its `units.yml`. */
const KEYS: ReadonlyMap<string, { readonly charged: Priced; readonly per: string }> = new Map(
  Object.entries({
    input_mtok: { charged: 'input', per: '' },
    cache_read_mtok: { charged: 'cache_read', per: '' },
    // Without a time to live of its own: the shorter one.
    cache_write_mtok: { charged: 'cache_write_5m', per: '' },
    cache_write_1h_mtok: { charged: 'cache_write_1h', per: '' },
    input_audio_mtok: { charged: 'input_audio', per: '' },
    cache_audio_read_mtok: { charged: 'cached_audio', per: '' },
    input_image_mtok: { charged: 'input_image', per: '' },
    cache_image_read_mtok: { charged: 'cached_image', per: '' },
    input_video_mtok: { charged: 'input_video', per: '' },
    output_mtok: { charged: 'output', per: '' },
    output_reasoning_mtok: { charged: 'reasoning', per: '' },
    output_citation_mtok: { charged: 'citation', per: '' },
    output_audio_mtok: { charged: 'output_audio', per: '' },
    output_image_mtok: { charged: 'output_image', per: '' },
    output_video_mtok: { charged: 'output_video', per: '' },
    audio_hours: { charged: 'audio_seconds', per: ' per hour' },
    input_audio_hours: { charged: 'audio_seconds', per: ' per hour' },
    input_document_kpages: { charged: 'pages', per: ' per 1000' },
    input_annotated_document_kpages: { charged: 'annotated_pages', per: ' per 1000' },
    input_text_messages_kcount: { charged: 'text_messages', per: ' per 1000' },
    requests_kcount: { charged: 'requests', per: ' per 1000' },
    web_searches_kcount: { charged: 'web_search_requests', per: ' per 1000' },
    storage_searches_kcount: { charged: 'file_search_requests', per: ' per 1000' },
    code_executions_kcount: { charged: 'code_execution_requests', per: ' per 1000' },
  } as const),
);

export type WrittenPrices = Readonly<Record<string, string>>;

export interface Banded {
  readonly prices: WrittenPrices;
  readonly longContext: { readonly aboveInputTokens: number; readonly prices: WrittenPrices } | null;
}

/** Throws for a key or thresholds that a price book cannot express. */
export function writtenPrices(collected: CollectedPrices): Banded {
  const base: Record<string, string> = {};
  const long: Record<string, string> = {};
  let above: number | null = null;
  for (const [key, value] of Object.entries(collected)) {
    const known = KEYS.get(key);
    if (known === undefined) throw new Error(`no class of a price book is charged by ${key}`);
    const { charged, per } = known;
    const tier = typeof value === 'number' ? undefined : value.tiers[0];
    if (typeof value !== 'number' && value.tiers.length !== 1) throw new Error(`${key} has ${value.tiers.length} thresholds, not one`);
    if (tier !== undefined && above !== null && above !== tier.start) throw new Error(`${key} has another threshold than ${above}`);
    above = tier?.start ?? above;
    base[charged] = `${decimal(typeof value === 'number' ? value : value.base)}${per}`;
    long[charged] = tier === undefined ? base[charged] : `${decimal(tier.price)}${per}`;
  }
  return { prices: base, longContext: above === null ? null : { aboveInputTokens: above, prices: long } };
}

const DECIMALS_MAX = 12;

/** The shortest digits that a number was written with, without an exponent. A price may have twelve decimals: of a third, which a router states as a float,
 *  those that are left out are below 10⁻¹² USD for a million units. */
function decimal(value: number): string {
  const text = String(value);
  if (/^\d+(?:\.\d{1,12})?$/.test(text)) return text;
  return value.toFixed(DECIMALS_MAX).replace(/\.?0+$/, '');
}
