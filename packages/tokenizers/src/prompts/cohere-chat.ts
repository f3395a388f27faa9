/** Cohere's chat, both versions: messages, or one message with what came before it. */
import { isJsonObject, type JsonObject, objectsAt, textAt } from '../json-value.ts';
import { readOpenaiChat } from './openai-chat.ts';
import { notCountable, type Prompt } from './prompt.ts';

export function readCohereChat(body: JsonObject): Prompt {
  if (
    Array.isArray(body['connectors']) ||
    isJsonObject(body['documents']) ||
    (Array.isArray(body['documents']) && body['documents'].length > 0)
  )
    return notCountable('not_countable_server_tools');
  if (typeof body['conversation_id'] === 'string') return notCountable('not_countable_server_history');
  if (Array.isArray(body['messages'])) return readOpenaiChat(body);
  if (typeof body['message'] !== 'string') return notCountable('not_json');
  const before = objectsAt(body, 'chat_history').map((message) => ({ role: textAt(message, 'role'), content: textAt(message, 'message') }));
  const preamble = textAt(body, 'preamble');
  const messages = [
    ...(preamble === '' ? [] : [{ role: 'SYSTEM', content: preamble }]),
    ...before,
    { role: 'USER', content: body['message'] },
  ];
  const tools = objectsAt(body, 'tools').map((tool) => ({ function: { ...tool, parameters: tool['parameter_definitions'] } }));
  return readOpenaiChat({ messages, tools });
}
