/** Quantities of an answer per class, none of which overlaps another. The bill is written in these; what a provider would say is made from them, never the other way round. */

export const CLASS_NAMES = [
  'uncached_input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'input_audio',
  'visible_output',
  'reasoning',
  'output_audio',
  'web_search_requests',
] as const;

export type ClassName = (typeof CLASS_NAMES)[number];
export type Classes = Readonly<Record<ClassName, number>>;
