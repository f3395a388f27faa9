/** Compact text that identifies a tool call or result, for a keyed hash: equal calls give equal texts. */
import { isJsonObject, type JsonObject } from './json-object.ts';

/** A longer text keeps this many characters of each end, and its length. */
const TOOL_TEXT_END_CHARS = 4096;
/** Arguments that nest some thousand levels cannot be printed again; a call is then known by its name alone. */
const UNPRINTABLE = '';

export function toolText(name: unknown, content: unknown): string {
  const label = typeof name === 'string' ? name : '';
  const text = typeof content === 'string' ? content : printed(content);
  if (label === '' && text === '') return '';
  return `${label}(${compact(text)})`;
}

/** The last element of a list that is an object. */
export function lastObject(list: unknown): JsonObject | undefined {
  if (!Array.isArray(list)) return undefined;
  return list.findLast(isJsonObject);
}

function compact(text: string): string {
  if (text.length <= 2 * TOOL_TEXT_END_CHARS) return text;
  return `${text.slice(0, TOOL_TEXT_END_CHARS)}…${text.length}…${text.slice(-TOOL_TEXT_END_CHARS)}`;
}

function printed(content: unknown): string {
  if (content === undefined || content === null) return '';
  try {
    return JSON.stringify(content);
  } catch (error) {
    if (error instanceof RangeError) return UNPRINTABLE;
    throw error;
  }
}
