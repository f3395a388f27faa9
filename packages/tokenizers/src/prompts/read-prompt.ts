/** Reads the input of a request by its surface. */
import { isJsonObject, type JsonObject } from '../json-value.ts';
import { readAnthropicMessages } from './anthropic-messages.ts';
import { readBedrockConverse } from './bedrock-converse.ts';
import { readCohereChat } from './cohere-chat.ts';
import { readGoogleGenerate } from './google-generate.ts';
import { readOllamaChat, readOllamaGenerate } from './ollama.ts';
import { readOpenaiChat } from './openai-chat.ts';
import { readOpenaiResponses } from './openai-responses.ts';
import { readPlainTexts } from './plain-texts.ts';
import { notCountable, type Prompt } from './prompt.ts';

/** Surfaces that are not named here cost what does not follow from text. */
const READERS: Readonly<Record<string, (body: JsonObject) => Prompt>> = {
  'openai.chat': readOpenaiChat,
  'openai.responses': readOpenaiResponses,
  'openai.completions': (body) => readPlainTexts(body, 'prompt'),
  'openai.embeddings': (body) => readPlainTexts(body, 'input'),
  'anthropic.messages': readAnthropicMessages,
  'vertex.messages': readAnthropicMessages,
  'google.generate': readGoogleGenerate,
  'vertex.generate': readGoogleGenerate,
  'bedrock.converse': readBedrockConverse,
  // Of the bodies that InvokeModel takes, Claude's.
  'bedrock.invoke': (body) =>
    typeof body['anthropic_version'] === 'string' ? readAnthropicMessages(body) : notCountable('not_countable_surface'),
  'cohere.chat': readCohereChat,
  'cohere.generate': (body) => readPlainTexts(body, 'prompt'),
  'ollama.chat': readOllamaChat,
  'ollama.generate': readOllamaGenerate,
  'ollama.embed': (body) => readPlainTexts(body, Object.hasOwn(body, 'input') ? 'input' : 'prompt'),
};

/** Whether anything of a surface can be counted. */
export function isCountableSurface(surface: string): boolean {
  return Object.hasOwn(READERS, surface);
}

/** `body`: what was sent, parsed. */
export function readPrompt(surface: string, body: unknown): Prompt {
  const read = Object.hasOwn(READERS, surface) ? READERS[surface] : undefined;
  if (read === undefined) return notCountable('not_countable_surface');
  return isJsonObject(body) ? read(body) : notCountable('not_json');
}
