/** Answers of OpenAI's APIs: chat completions, completions, responses. Whole ones and pieces of streams have nearly one shape. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, positionAt } from '../json-value.ts';
import type { AnswerText } from './answer-text.ts';

/** Also those of providers that speak it (`reasoning_content`: DeepSeek, xAI; `reasoning`: OpenRouter, Groq). */
export function readChatEvent(event: JsonObject, answer: AnswerText): void {
  for (const choice of objectsAt(event, 'choices')) {
    const at = positionAt(choice, 'index', 0);
    const message = isJsonObject(choice['delta']) ? choice['delta'] : objectAt(choice, 'message');
    answer.add(`${at} content`, message['content']);
    answer.add(`${at} refusal`, message['refusal']);
    if (typeof message['refusal'] === 'string') answer.isRefused = true;
    if (typeof message['reasoning_content'] === 'string' || typeof message['reasoning'] === 'string') answer.hasHiddenPart = true;
    if (isJsonObject(message['audio']) || Array.isArray(message['images'])) answer.unread = 'not_countable_media';
    objectsAt(message, 'tool_calls').forEach((call, position) => {
      const described = objectAt(call, isJsonObject(call['custom']) ? 'custom' : 'function');
      answer.addCall(`${at} ${positionAt(call, 'index', position)}`, described['name'], described['arguments'] ?? described['input']);
    });
    if (isJsonObject(message['function_call']))
      answer.addCall(`${at} function`, message['function_call']['name'], message['function_call']['arguments']);
  }
}

export function readCompletionEvent(event: JsonObject, answer: AnswerText): void {
  for (const choice of objectsAt(event, 'choices')) answer.add(positionAt(choice, 'index', 0), choice['text']);
}

/** A stream ends with the whole response; what came before only repeats it, in pieces. */
export function readResponseEvent(event: JsonObject, answer: AnswerText): void {
  const isLast = event['type'] === 'response.completed' || event['type'] === 'response.incomplete' || event['type'] === 'response.failed';
  const response = isLast ? objectAt(event, 'response') : event['object'] === 'response' ? event : {};
  objectsAt(response, 'output').forEach((item, position) => {
    switch (item['type']) {
      case 'message':
        objectsAt(item, 'content').forEach((part, index) => {
          answer.add(`${position} ${index}`, part['text'] ?? part['refusal']);
        });
        break;
      case 'function_call':
      case 'custom_tool_call':
        answer.addCall(String(position), item['name'], item['arguments'] ?? item['input']);
        break;
      case 'reasoning':
        answer.hasHiddenPart = true;
        break;
      default:
        answer.unread = item['type'] === 'image_generation_call' ? 'not_countable_media' : 'not_countable_server_tools';
    }
  });
}
