/** JSON of unknown origin: parsed without throwing, read without trust. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value that `text` holds; undefined when it is not JSON (JSON itself has no undefined). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A text member, bounded; `''` when absent or of another type. */
export function textAt(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? boundedText(value) : '';
}

/** Length of a text member; 0 when absent or of another type. */
export function lengthAt(object: JsonObject, key: string): number {
  const value = object[key];
  return typeof value === 'string' ? value.length : 0;
}

/** Characters kept of a name that a provider sent (model, id, tier, reason). */
const NAME_CHARS_MAX = 256;

/** Cuts a name to its bound and undoes the latin1 reading of answers (`latin1ToText`). JSON may hold half a character, which no UTF-8 can. */
export function boundedText(latin1: string): string {
  return latin1ToText(latin1.length > NAME_CHARS_MAX ? latin1.slice(0, NAME_CHARS_MAX) : latin1).toWellFormed();
}

/** Answers are decoded as latin1, one byte per character: cheaper, never failing, and JSON's own characters are all ASCII. What is kept is turned back into UTF-8 here. */
export function latin1ToText(latin1: string): string {
  return NOT_ASCII.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1;
}

const NOT_ASCII = /[\u0080-\u00ff]/;
