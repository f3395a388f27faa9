/** What a price can be for: every class of usage, and what providers charge for besides that events do not count as usage of its own. */
import { USAGE_CLASSES, type UsageClass } from './usage.ts';

/** Parts of classes that some models price apart, and fees for things that are no tokens. `requests` is charged once for each attempt that was served. */
export const FEE_CLASSES = [
  'cached_image',
  'input_video',
  'cached_video',
  'output_video',
  'citation',
  'requests',
  'file_search_requests',
  'code_execution_requests',
  'pages',
  'annotated_pages',
  'text_messages',
] as const;

export const CHARGED_CLASSES = [...USAGE_CLASSES, ...FEE_CLASSES] as const;

export type FeeClass = (typeof FEE_CLASSES)[number];
export type ChargedClass = UsageClass | FeeClass;
