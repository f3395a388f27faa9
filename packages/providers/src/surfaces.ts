/** All surfaces by name. */
import { anthropicBatches } from './anthropic-batches/index.ts';
import { anthropicMessages } from './anthropic-messages/index.ts';
import { bedrockConverse } from './bedrock-converse/index.ts';
import { bedrockInvoke } from './bedrock-invoke/index.ts';
import { cohereChat } from './cohere-chat/index.ts';
import { cohereEmbed } from './cohere-embed/index.ts';
import { cohereGenerate } from './cohere-generate/index.ts';
import { cohereRerank } from './cohere-rerank/index.ts';
import { googleEmbed } from './google-embed/index.ts';
import { googleGenerate } from './google-generate/index.ts';
import { ollamaChat } from './ollama-chat/index.ts';
import { ollamaEmbed } from './ollama-embed/index.ts';
import { ollamaGenerate } from './ollama-generate/index.ts';
import { openaiBatches } from './openai-batches/index.ts';
import { openaiChat } from './openai-chat/index.ts';
import { openaiResponses } from './openai-responses/index.ts';
import { openaiCompletions } from './openai-completions/index.ts';
import { openaiEmbeddings } from './openai-embeddings/index.ts';
import { openaiImages } from './openai-images/index.ts';
import { openaiSpeech } from './openai-speech/index.ts';
import { openaiTranscription } from './openai-transcription/index.ts';
import { vertexEmbed } from './vertex-embed/index.ts';
import { vertexGenerate } from './vertex-generate/index.ts';
import { vertexMessages } from './vertex-messages/index.ts';
import { vertexPredict } from './vertex-predict/index.ts';
import type { Surface } from './surface.ts';

export const SURFACES = {
  'openai.chat': openaiChat,
  'openai.responses': openaiResponses,
  'openai.completions': openaiCompletions,
  'openai.embeddings': openaiEmbeddings,
  'openai.images': openaiImages,
  'openai.speech': openaiSpeech,
  'openai.transcription': openaiTranscription,
  'openai.batches': openaiBatches,
  'anthropic.messages': anthropicMessages,
  'anthropic.batches': anthropicBatches,
  'google.generate': googleGenerate,
  'google.embed': googleEmbed,
  'vertex.generate': vertexGenerate,
  'vertex.embed': vertexEmbed,
  'vertex.messages': vertexMessages,
  'vertex.predict': vertexPredict,
  'bedrock.converse': bedrockConverse,
  'bedrock.invoke': bedrockInvoke,
  'cohere.chat': cohereChat,
  'cohere.generate': cohereGenerate,
  'cohere.embed': cohereEmbed,
  'cohere.rerank': cohereRerank,
  'ollama.chat': ollamaChat,
  'ollama.generate': ollamaGenerate,
  'ollama.embed': ollamaEmbed,
} as const satisfies Readonly<Record<string, Surface>>;

export type SurfaceName = keyof typeof SURFACES;

/** In the order of above. */
export const SURFACE_NAMES = Object.keys(SURFACES) as [SurfaceName, ...SurfaceName[]];
