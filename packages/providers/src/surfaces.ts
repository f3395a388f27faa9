/** All surfaces by name. */
import { anthropicMessages } from './anthropic-messages/index.ts';
import { openaiChat } from './openai-chat/index.ts';
import type { Surface } from './surface.ts';

export const SURFACES = {
  'openai.chat': openaiChat,
  'anthropic.messages': anthropicMessages,
} as const satisfies Readonly<Record<string, Surface>>;

export type SurfaceName = keyof typeof SURFACES;

/** In the order of above. */
export const SURFACE_NAMES = Object.keys(SURFACES) as [SurfaceName, ...SurfaceName[]];
