/** Anthropic's messages, at Anthropic, on Vertex AI and in Bedrock's InvokeModel. */
import { isJsonObject, type JsonObject, objectsAt, textAt } from '../json-value.ts';
import { definitionOf } from './openai-chat.ts';
import { contentTexts } from './parts.ts';
import { jsonText, type Message, notCountable, type Prompt, type ToolCall } from './prompt.ts';

export function readAnthropicMessages(body: JsonObject): Prompt {
  if (!Array.isArray(body['messages'])) return notCountable('not_json');
  const tools = objectsAt(body, 'tools');
  // The provider's own tools have a dated type; clients' have none, or `custom`.
  if (tools.some((tool) => typeof tool['type'] === 'string' && tool['type'] !== 'custom') || Array.isArray(body['mcp_servers']))
    return notCountable('not_countable_server_tools');
  const system = contentTexts(body['system']);
  if (system === undefined) return notCountable('not_countable_media');
  const messages: Message[] = system.length === 0 ? [] : [{ role: 'system', name: '', texts: system, calls: [] }];
  for (const message of objectsAt(body, 'messages')) {
    const read = messageOf(message);
    if (read === undefined) return notCountable('not_countable_media');
    messages.push(read);
  }
  return { kind: 'conversation', messages, tools: tools.map(definitionOf), format: '' };
}

function messageOf(message: JsonObject): Message | undefined {
  const role = textAt(message, 'role');
  const { content } = message;
  if (!Array.isArray(content)) {
    const texts = contentTexts(content);
    return texts === undefined ? undefined : { role, name: '', texts, calls: [] };
  }
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  for (const part of content as readonly unknown[]) {
    if (!isJsonObject(part)) return undefined;
    if (part['type'] === 'tool_use') {
      calls.push({ name: textAt(part, 'name'), input: jsonText(part['input']) });
      continue;
    }
    // What was thought before is left out of the next prompt, save while a tool is used.
    if (part['type'] === 'thinking' || part['type'] === 'redacted_thinking') continue;
    const partTexts = contentTexts(part['type'] === 'tool_result' ? part['content'] : [part]);
    if (partTexts === undefined) return undefined;
    texts.push(...partTexts);
  }
  return { role, name: '', texts, calls };
}
