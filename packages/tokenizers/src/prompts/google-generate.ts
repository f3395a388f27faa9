/** Google's generateContent, at the Gemini API and on Vertex AI. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, textAt } from '../json-value.ts';
import { jsonText, type Message, notCountable, type Prompt, type ToolCall } from './prompt.ts';

export function readGoogleGenerate(body: JsonObject): Prompt {
  if (typeof body['cachedContent'] === 'string') return notCountable('not_countable_server_history');
  const tools = objectsAt(body, 'tools');
  const declarations = tools.flatMap((tool) => [...objectsAt(tool, 'functionDeclarations'), ...objectsAt(tool, 'function_declarations')]);
  if (tools.some((tool) => !isJsonObject(tool) || !Object.keys(tool).every((key) => /^function_?declarations$/i.test(key))))
    return notCountable('not_countable_server_tools');
  const contents = Array.isArray(body['contents'])
    ? objectsAt(body, 'contents')
    : isJsonObject(body['contents'])
      ? [body['contents']]
      : undefined;
  if (contents === undefined) return notCountable('not_json');
  const system = body['systemInstruction'] ?? body['system_instruction'];
  const messages: Message[] = [];
  for (const content of isJsonObject(system) ? [{ ...system, role: 'system' }, ...contents] : contents) {
    const message = messageOf(content);
    if (message === undefined) return notCountable('not_countable_media');
    messages.push(message);
  }
  const config = isJsonObject(body['generationConfig']) ? body['generationConfig'] : objectAt(body, 'generation_config');
  const schema = config['responseSchema'] ?? config['response_schema'] ?? config['responseJsonSchema'];
  return {
    kind: 'conversation',
    messages,
    tools: declarations.map((tool) => ({
      name: textAt(tool, 'name'),
      description: textAt(tool, 'description'),
      parameters: tool['parameters'] ?? tool['parametersJsonSchema'],
    })),
    format: isJsonObject(schema) ? jsonText(schema) : '',
  };
}

function messageOf(content: JsonObject): Message | undefined {
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  for (const part of objectsAt(content, 'parts')) {
    const call = part['functionCall'] ?? part['function_call'];
    const response = part['functionResponse'] ?? part['function_response'];
    if (typeof part['text'] === 'string') texts.push(part['text']);
    else if (isJsonObject(call)) calls.push({ name: textAt(call, 'name'), input: jsonText(call['args'] ?? {}) });
    else if (isJsonObject(response)) texts.push(textAt(response, 'name'), jsonText(response['response'] ?? {}));
    else return undefined;
  }
  return { role: textAt(content, 'role'), name: '', texts, calls };
}
