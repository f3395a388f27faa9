/** Splits an answer into the JSON objects that it came as: one, an array, a line each, or the data of server-sent events. */
import { isJsonObject, type JsonObject, parseJson } from '../json-value.ts';

/** Undefined when it is none of these. What follows the place where a stream broke off is missing; what came before it counts. */
export function answerEvents(text: string, contentType: string): readonly JsonObject[] | undefined {
  if (contentType.includes('text/event-stream')) return sseObjects(text);
  const whole = parseJson(text);
  if (isJsonObject(whole)) return [whole];
  if (Array.isArray(whole)) return whole.filter(isJsonObject);
  const lines = objectsOf(text.split('\n'));
  return lines.length === 0 ? undefined : lines;
}

function sseObjects(text: string): readonly JsonObject[] {
  const lines = text.split(/\r\n|\r|\n/);
  return objectsOf(lines.flatMap((line) => (line.startsWith('data:') ? [line.slice('data:'.length)] : [])));
}

function objectsOf(lines: readonly string[]): readonly JsonObject[] {
  return lines.map((line) => parseJson(line)).filter(isJsonObject);
}
