/** Answers of Google, Bedrock's Converse, Cohere and Ollama. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, positionAt } from '../json-value.ts';
import type { AnswerText } from './answer-text.ts';

export function readCandidatesEvent(event: JsonObject, answer: AnswerText): void {
  for (const candidate of objectsAt(event, 'candidates')) {
    const at = positionAt(candidate, 'index', 0);
    for (const part of objectsAt(objectAt(candidate, 'content'), 'parts')) {
      if (part['thought'] === true) answer.hasHiddenPart = true;
      else if (isJsonObject(part['functionCall']))
        answer.addCall(`${at} ${answer.calls.length}`, part['functionCall']['name'], part['functionCall']['args']);
      else if (typeof part['text'] === 'string') answer.add(at, part['text']);
      else answer.unread = 'not_countable_media';
    }
  }
}

export function readConverseEvent(event: JsonObject, answer: AnswerText): void {
  objectsAt(objectAt(objectAt(event, 'output'), 'message'), 'content').forEach((block, index) => {
    if (isJsonObject(block['toolUse'])) answer.addCall(String(index), block['toolUse']['name'], block['toolUse']['input']);
    else if (typeof block['text'] === 'string') answer.add(String(index), block['text']);
    else if (isJsonObject(block['reasoningContent'])) answer.hasHiddenPart = true;
    else answer.unread = 'not_countable_media';
  });
}

/** Of version 1, the end of a stream repeats the whole. */
export function readCohereEvent(event: JsonObject, answer: AnswerText): void {
  if (event['event_type'] !== 'stream-end') answer.add('text', event['text']);
  objectsAt(event, 'generations').forEach((generation, index) => {
    answer.add(`generation ${index}`, generation['text']);
  });
  const message = isJsonObject(event['message']) ? event['message'] : objectAt(objectAt(event, 'delta'), 'message');
  const parts = isJsonObject(message['content']) ? [message['content']] : objectsAt(message, 'content');
  for (const part of parts) answer.add(`content ${positionAt(event, 'index', 0)}`, part['text']);
  const calls = isJsonObject(message['tool_calls']) ? [message['tool_calls']] : objectsAt(message, 'tool_calls');
  calls.forEach((call, position) => {
    answer.addCall(
      `call ${positionAt(event, 'index', position)}`,
      objectAt(call, 'function')['name'],
      objectAt(call, 'function')['arguments'],
    );
  });
  if (event['event_type'] === undefined)
    objectsAt(event, 'tool_calls').forEach((call, position) => {
      answer.addCall(String(position), call['name'], call['parameters']);
    });
}

export function readOllamaEvent(event: JsonObject, answer: AnswerText): void {
  const message = objectAt(event, 'message');
  answer.add('text', message['content'] ?? event['response']);
  if (typeof message['thinking'] === 'string' || typeof event['thinking'] === 'string') answer.hasHiddenPart = true;
  for (const call of objectsAt(message, 'tool_calls'))
    answer.addCall(String(answer.calls.length), objectAt(call, 'function')['name'], objectAt(call, 'function')['arguments']);
}
