/** Which surfaces may serve an exchange of a kind. A recording names its kind by the API that it speaks, several surfaces of which may share it. */
import { SURFACES, type SurfaceName } from '@tokenledger/providers';

const SURFACES_OF_KIND: Readonly<Record<string, readonly string[]>> = {
  chat: ['openai.chat'],
  completions: ['openai.completions'],
  embeddings: ['openai.embeddings'],
  images: ['openai.images'],
  responses: ['openai.responses'],
  speech: ['openai.speech'],
  transcription: ['openai.transcription'],
  messages: ['anthropic.messages', 'vertex.messages'],
  gemini: ['google.generate', 'vertex.generate'],
  gemini_embed: ['google.embed', 'vertex.embed'],
  converse: ['bedrock.converse'],
  invoke: ['bedrock.invoke'],
  cohere_chat: ['cohere.chat', 'cohere.generate'],
  cohere_other: ['cohere.embed', 'cohere.rerank'],
  ollama: ['ollama.chat', 'ollama.generate', 'ollama.embed'],
};

/** None for a kind that is not known. */
export function surfacesOfKind(kind: string): readonly SurfaceName[] {
  const names = Object.hasOwn(SURFACES_OF_KIND, kind) ? (SURFACES_OF_KIND[kind] ?? []) : [];
  return names.filter((name): name is SurfaceName => Object.hasOwn(SURFACES, name));
}

const CHANNEL_ID_CHARS_MAX = 64;

/** Each provider is a channel, by its name. */
export function channelId(provider: string): string {
  const name = provider.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-');
  return name.slice(0, CHANNEL_ID_CHARS_MAX);
}
