/** Token classes that never overlap, and counted units. Each provider's reader normalises into these once. */

/** Disjoint classes of input tokens. */
export const INPUT_CLASSES = [
  'uncached_input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'input_audio',
  'cached_audio',
  'input_image',
] as const;

/** Disjoint classes of output tokens. */
export const OUTPUT_CLASSES = ['visible_output', 'reasoning', 'output_audio', 'output_image'] as const;

/** Units that are counted but are not tokens. */
export const UNIT_CLASSES = ['web_search_requests', 'images', 'audio_seconds', 'characters'] as const;

export const TOKEN_CLASSES = [...INPUT_CLASSES, ...OUTPUT_CLASSES] as const;
export const USAGE_CLASSES = [...TOKEN_CLASSES, ...UNIT_CLASSES] as const;

export type TokenClass = (typeof TOKEN_CLASSES)[number];
export type UnitClass = (typeof UNIT_CLASSES)[number];
export type UsageClass = (typeof USAGE_CLASSES)[number];

const UNITS: ReadonlySet<string> = new Set(UNIT_CLASSES);

/** The column of a class, in every table that has one. */
export function usageColumn(name: UsageClass): string {
  return UNITS.has(name) ? name : `${name}_tokens`;
}

/** Quantities per class. `null` means unknown, which is never the same as 0. Negative only in adjustments. */
export type Usage = Readonly<Record<UsageClass, number | null>>;

export const UNKNOWN_USAGE: Usage = Object.freeze({
  uncached_input: null,
  cache_read: null,
  cache_write_5m: null,
  cache_write_1h: null,
  input_audio: null,
  cached_audio: null,
  input_image: null,
  visible_output: null,
  reasoning: null,
  output_audio: null,
  output_image: null,
  web_search_requests: null,
  images: null,
  audio_seconds: null,
  characters: null,
});

/** Sum of the known classes in `classes`; null when none of them is known. */
function sumKnown(usage: Usage, classes: readonly UsageClass[]): number | null {
  let sum: number | null = null;
  for (const name of classes) {
    const quantity = usage[name];
    if (quantity !== null) sum = (sum ?? 0) + quantity;
  }
  return sum;
}

/** Inclusive input tokens (cache reads and writes, audio and images included). Null when no input class is known. */
export function inputTokens(usage: Usage): number | null {
  return sumKnown(usage, INPUT_CLASSES);
}

/** Inclusive output tokens (reasoning included). Null when no output class is known. */
export function outputTokens(usage: Usage): number | null {
  return sumKnown(usage, OUTPUT_CLASSES);
}

/** Input and output together. Null when no token class is known. */
export function totalTokens(usage: Usage): number | null {
  return sumKnown(usage, TOKEN_CLASSES);
}

/** Adds usages class by class; a class is null exactly when it is null in all of them. */
export function addUsage(usages: readonly Usage[]): Usage {
  if (usages.length === 1) return usages[0] as Usage;
  const sum: Record<UsageClass, number | null> = { ...UNKNOWN_USAGE };
  for (const usage of usages) {
    for (const name of USAGE_CLASSES) {
      const quantity = usage[name];
      if (quantity !== null) sum[name] = (sum[name] ?? 0) + quantity;
    }
  }
  return sum;
}
