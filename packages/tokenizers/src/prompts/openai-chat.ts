/** Chat completions of OpenAI, and of everybody who speaks them: messages, tools (also as `functions`), a response format. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, textAt } from '../json-value.ts';
import { contentTexts } from './parts.ts';
import { jsonText, type Message, notCountable, type Prompt, type ToolCall, type ToolDefinition } from './prompt.ts';

export function readOpenaiChat(body: JsonObject): Prompt {
  if (!Array.isArray(body['messages'])) return notCountable('not_json');
  if (isJsonObject(body['web_search_options'])) return notCountable('not_countable_server_tools');
  const messages: Message[] = [];
  for (const message of objectsAt(body, 'messages')) {
    const texts = contentTexts(message['content']);
    if (texts === undefined || isJsonObject(message['audio'])) return notCountable('not_countable_media');
    messages.push({ role: textAt(message, 'role'), name: textAt(message, 'name'), texts, calls: callsOf(message) });
  }
  return { kind: 'conversation', messages, tools: toolsOf(body), format: formatOf(body['response_format']) };
}

/** Calls that a message holds, as `tool_calls` or as the older `function_call`. */
function callsOf(message: JsonObject): readonly ToolCall[] {
  const described = objectsAt(message, 'tool_calls').map((call) => objectAt(call, isJsonObject(call['custom']) ? 'custom' : 'function'));
  if (isJsonObject(message['function_call'])) described.push(message['function_call']);
  return described.map((call) => ({ name: textAt(call, 'name'), input: jsonText(call['arguments'] ?? call['input'] ?? '') }));
}

function toolsOf(body: JsonObject): readonly ToolDefinition[] {
  const described = objectsAt(body, 'tools').map((tool) => objectAt(tool, isJsonObject(tool['custom']) ? 'custom' : 'function'));
  return [...described, ...objectsAt(body, 'functions')].map(definitionOf);
}

export function definitionOf(tool: JsonObject): ToolDefinition {
  return { name: textAt(tool, 'name'), description: textAt(tool, 'description'), parameters: tool['parameters'] ?? tool['input_schema'] };
}

function formatOf(format: unknown): string {
  if (!isJsonObject(format) || format['type'] === 'text') return '';
  return jsonText(format['json_schema'] ?? format);
}
