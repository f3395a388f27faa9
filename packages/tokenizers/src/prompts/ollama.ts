/** Ollama's chat and generate. Images stand beside the content. */
import { type JsonObject, objectsAt, textAt } from '../json-value.ts';
import { readOpenaiChat } from './openai-chat.ts';
import { notCountable, type Prompt } from './prompt.ts';

export function readOllamaChat(body: JsonObject): Prompt {
  if (objectsAt(body, 'messages').some(hasImages)) return notCountable('not_countable_media');
  return readOpenaiChat(body);
}

/** `raw`: the prompt goes to the model as it stands; else in the framing of a conversation. */
export function readOllamaGenerate(body: JsonObject): Prompt {
  if (hasImages(body)) return notCountable('not_countable_media');
  if (Array.isArray(body['context'])) return notCountable('not_countable_server_history');
  const prompt = textAt(body, 'prompt');
  if (body['raw'] === true) return { kind: 'texts', texts: [prompt], encodedTokens: 0 };
  const system = textAt(body, 'system');
  return readOpenaiChat({
    messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }],
  });
}

function hasImages(object: JsonObject): boolean {
  return Array.isArray(object['images']) && object['images'].length > 0;
}
