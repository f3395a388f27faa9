/** Which APIs a channel speaks when its document does not say. */
import { type Surface, SURFACES, type SurfaceName } from '@tokenledger/providers';
import type { Channel } from './documents.ts';

/** What most APIs have that were made to be compatible with OpenAI's. */
const COMPATIBLE = ['openai.chat', 'openai.responses', 'openai.completions', 'openai.embeddings'] as const;

/** Providers whose surfaces are not just those that bear their name: each with APIs (`openai`) and surfaces (`openai.chat`). */
const SPOKEN: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    azure: ['openai'],
    groq: [...COMPATIBLE, 'openai.speech', 'openai.transcription'],
    ollama: ['ollama', ...COMPATIBLE],
    voyageai: ['openai.embeddings', 'cohere.rerank'],
    writer: [...COMPATIBLE, 'cohere.chat'],
  }),
);

/** What a provider has of another's API under paths of its own, so that a client must name the channel: Gemini (https://ai.google.dev/gemini-api/docs/openai), Cohere
 *  (https://docs.cohere.com/docs/compatibility-api); Anthropic's API at DeepSeek (https://api-docs.deepseek.com/guides/anthropic_api), Moonshot, OpenRouter, Vercel and Z.ai. */
const SPOKEN_ELSEWHERE: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    cohere: ['openai.chat', 'openai.embeddings'],
    deepseek: ['anthropic.messages'],
    google: ['openai.chat', 'openai.embeddings'],
    moonshot: ['anthropic.messages'],
    openrouter: ['anthropic.messages'],
    vercel: ['anthropic.messages'],
    zai: ['anthropic.messages'],
  }),
);

/** What the document lists; else what its provider is known to speak, or those surfaces that bear its name; else what compatible APIs have. */
export function surfacesOf(channel: Pick<Channel, 'provider' | 'surfaces'>): readonly SurfaceName[] {
  return channel.surfaces ?? defaultSurfaces(channel.provider);
}

/** Those that are told by their paths where the channel is named: beside `surfacesOf`, unless the document lists its own, what stands under other paths than at the root. */
export function surfacesBelow(channel: Pick<Channel, 'provider' | 'surfaces'>): readonly SurfaceName[] {
  const { provider, surfaces } = channel;
  return surfaces ?? [...defaultSurfaces(provider), ...among(SPOKEN_ELSEWHERE.get(provider) ?? [])];
}

function defaultSurfaces(provider: string): readonly SurfaceName[] {
  const own = among(SPOKEN.get(provider) ?? [provider]);
  return own.length > 0 ? own : among(COMPATIBLE);
}

function among(spoken: readonly string[]): readonly SurfaceName[] {
  return Object.entries<Surface>(SURFACES).flatMap(([name, { provider }]) =>
    spoken.includes(name) || spoken.includes(provider) ? [name as SurfaceName] : [],
  );
}
