/** Which class a price stands for besides its own: a part that nobody prices apart costs what the whole costs. */
import type { ChargedClass, UsageClass } from '@tokenledger/domain';

/** What people call a price that several classes share. Images in a prompt are billed as input unless priced apart, reasoning as output. */
export const SHARED_PRICES = {
  input: ['uncached_input', 'input_image'],
  output: ['visible_output', 'reasoning'],
} as const satisfies Record<string, readonly UsageClass[]>;

type Containing = Readonly<Partial<Record<ChargedClass, readonly ChargedClass[]>>>;

/** No provider has more than the containing class where it prices none of these apart. */
const ALWAYS: Containing = {
  input_video: ['uncached_input'],
  cached_image: ['cache_read'],
  cached_video: ['cache_read'],
  output_video: ['visible_output'],
  citation: ['visible_output'],
};

/** What a source can say of what it does not list: that nobody knows its price, that it costs what contains it, or that caches cost what input costs. */
export const UNLISTED = ['unknown', 'as_containing', 'caches_as_input'] as const;
export type Unlisted = (typeof UNLISTED)[number];

const CACHES: Containing = {
  cache_read: ['uncached_input'],
  cache_write_5m: ['uncached_input'],
  cache_write_1h: ['uncached_input'],
};

const ALL: Containing = {
  ...CACHES,
  input_audio: ['uncached_input'],
  cached_audio: ['cache_read', 'input_audio', 'uncached_input'],
  cached_image: ['cache_read', 'input_image'],
  cached_video: ['cache_read', 'input_video', 'uncached_input'],
  output_audio: ['visible_output'],
  output_image: ['visible_output'],
};

const WHERE_STATED: Readonly<Record<Unlisted, Containing>> = {
  unknown: ALWAYS,
  as_containing: { ...ALWAYS, ...ALL },
  caches_as_input: { ...ALWAYS, ...CACHES, cached_audio: ['input_audio'] },
};

/** By priced class, those that are charged at its price, by what their source says. */
export function partsOf(priced: ReadonlySet<ChargedClass>, unlisted: Unlisted): ReadonlyMap<ChargedClass, readonly ChargedClass[]> {
  const parts = new Map<ChargedClass, ChargedClass[]>();
  const rules = WHERE_STATED[unlisted];
  for (const [part, wholes] of Object.entries(rules) as [ChargedClass, readonly ChargedClass[]][]) {
    // Whoever charges for writing to a cache charges more for a longer time.
    const isApart = priced.has(part) || (part === 'cache_write_1h' && priced.has('cache_write_5m'));
    const whole = isApart ? undefined : wholes.find((each) => priced.has(each));
    if (whole === undefined) continue;
    const known = parts.get(whole);
    if (known === undefined) parts.set(whole, [part]);
    else known.push(part);
  }
  return parts;
}
