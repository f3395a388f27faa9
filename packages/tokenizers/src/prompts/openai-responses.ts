/** OpenAI's responses: instructions, and input as a text or a list of items. What the provider keeps of a conversation is not in it. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, textAt } from '../json-value.ts';
import { definitionOf } from './openai-chat.ts';
import { contentTexts } from './parts.ts';
import { jsonText, type Message, notCountable, type Prompt } from './prompt.ts';

export function readOpenaiResponses(body: JsonObject): Prompt {
  if (['previous_response_id', 'conversation', 'prompt'].some((key) => (body[key] ?? null) !== null))
    return notCountable('not_countable_server_history');
  const tools = objectsAt(body, 'tools');
  if (tools.some((tool) => tool['type'] !== 'function' && tool['type'] !== 'custom')) return notCountable('not_countable_server_tools');
  const messages: Message[] = textAt(body, 'instructions') === '' ? [] : [plain('system', textAt(body, 'instructions'))];
  const { input } = body;
  if (typeof input === 'string') messages.push(plain('user', input));
  else if (!Array.isArray(input)) return notCountable('not_json');
  for (const item of objectsAt(body, 'input')) {
    const message = messageOf(item);
    if (message === undefined) return notCountable('not_countable_media');
    if (message === 'kept') return notCountable('not_countable_server_history');
    messages.push(message);
  }
  const format = objectAt(objectAt(body, 'text'), 'format');
  return {
    kind: 'conversation',
    messages,
    tools: tools.map(definitionOf),
    format: isJsonObject(format['schema']) || format['type'] === 'json_object' ? jsonText(format) : '',
  };
}

function messageOf(item: JsonObject): Message | 'kept' | undefined {
  switch (item['type'] ?? 'message') {
    case 'message': {
      const texts = contentTexts(item['content']);
      return texts === undefined ? undefined : { role: textAt(item, 'role'), name: '', texts, calls: [] };
    }
    case 'function_call':
    case 'custom_tool_call':
      return {
        role: 'assistant',
        name: '',
        texts: [],
        calls: [{ name: textAt(item, 'name'), input: textAt(item, 'arguments') || textAt(item, 'input') }],
      };
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const texts = contentTexts(item['output']);
      return texts === undefined ? undefined : { role: 'tool', name: '', texts, calls: [] };
    }
    // References, and reasoning that only the provider can read.
    case 'reasoning':
    case 'item_reference':
      return 'kept';
    default:
      return undefined;
  }
}

function plain(role: string, text: string): Message {
  return { role, name: '', texts: [text], calls: [] };
}
