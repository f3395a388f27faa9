/** Amazon Bedrock's Converse. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, textAt } from '../json-value.ts';
import { jsonText, type Message, notCountable, type Prompt, type ToolCall } from './prompt.ts';

export function readBedrockConverse(body: JsonObject): Prompt {
  if (!Array.isArray(body['messages'])) return notCountable('not_json');
  const messages: Message[] = [];
  const system = objectsAt(body, 'system');
  for (const message of system.length === 0
    ? objectsAt(body, 'messages')
    : [{ role: 'system', content: system }, ...objectsAt(body, 'messages')]) {
    const read = messageOf(message);
    if (read === undefined) return notCountable('not_countable_media');
    messages.push(read);
  }
  const tools = objectsAt(objectAt(body, 'toolConfig'), 'tools').map((tool) => objectAt(tool, 'toolSpec'));
  return {
    kind: 'conversation',
    messages,
    tools: tools.map((tool) => ({
      name: textAt(tool, 'name'),
      description: textAt(tool, 'description'),
      parameters: objectAt(tool, 'inputSchema')['json'],
    })),
    format: '',
  };
}

function messageOf(message: JsonObject): Message | undefined {
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  for (const part of objectsAt(message, 'content')) {
    if (typeof part['text'] === 'string') texts.push(part['text']);
    else if (isJsonObject(part['guardContent'])) texts.push(textAt(objectAt(part['guardContent'], 'text'), 'text'));
    else if (isJsonObject(part['toolUse']))
      calls.push({ name: textAt(part['toolUse'], 'name'), input: jsonText(part['toolUse']['input'] ?? {}) });
    else if (isJsonObject(part['toolResult'])) {
      const results = resultTexts(part['toolResult']);
      if (results === undefined) return undefined;
      texts.push(...results);
    } else if (part['cachePoint'] === undefined) return undefined;
  }
  return { role: textAt(message, 'role'), name: '', texts, calls };
}

function resultTexts(result: JsonObject): readonly string[] | undefined {
  const parts = objectsAt(result, 'content').map((part) => (part['json'] === undefined ? part['text'] : jsonText(part['json'])));
  return parts.every((part) => typeof part === 'string') ? parts : undefined;
}
