/** Which APIs a channel speaks when its document does not say. */
import { type Surface, SURFACES, type SurfaceName } from '@tokenledger/providers';
import type { Channel } from './documents.ts';

/** What most APIs have that were made to be compatible with OpenAI's. */
const COMPATIBLE = ['openai.chat', 'openai.responses', 'openai.completions', 'openai.embeddings'] as const;

/** Providers whose surfaces are not just those that bear their name: each with APIs (`openai`) and surfaces (`openai.chat`). */
const SPOKEN: Readonly<Record<string, readonly string[]>> = {
  azure: ['openai'],
  groq: [...COMPATIBLE, 'openai.speech', 'openai.transcription'],
  ollama: ['ollama', ...COMPATIBLE],
  voyageai: ['openai.embeddings', 'cohere.rerank'],
  writer: [...COMPATIBLE, 'cohere.chat'],
};

/** What the document lists; else what its provider is known to speak, or those surfaces that bear its name; else what compatible APIs have. */
export function surfacesOf(channel: Pick<Channel, 'provider' | 'surfaces'>): readonly SurfaceName[] {
  return channel.surfaces ?? defaultSurfaces(channel.provider);
}

function defaultSurfaces(provider: string): readonly SurfaceName[] {
  const own = among(Object.hasOwn(SPOKEN, provider) ? (SPOKEN[provider] ?? []) : [provider]);
  return own.length > 0 ? own : among(COMPATIBLE);
}

function among(spoken: readonly string[]): readonly SurfaceName[] {
  return Object.entries<Surface>(SURFACES).flatMap(([name, { provider }]) =>
    spoken.includes(name) || spoken.includes(provider) ? [name as SurfaceName] : [],
  );
}
