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

/** Undefined for a kind that is not known. */
export function surfacesOfKind(kind: string): readonly SurfaceName[] | undefined {
  if (!Object.hasOwn(SURFACES_OF_KIND, kind)) return undefined;
  return SURFACES_OF_KIND[kind]?.filter((name): name is SurfaceName => Object.hasOwn(SURFACES, name));
}
