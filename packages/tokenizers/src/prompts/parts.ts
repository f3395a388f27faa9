/** Contents that are a text or a list of parts, as nearly all chat APIs have them. */
import { isJsonObject, type JsonObject } from '../json-value.ts';

/** Types of parts whose text is all that they cost. A part without a type is text where it has one. */
const TEXT_TYPES = new Set(['text', 'input_text', 'output_text', 'refusal', 'thinking', 'summary_text', 'reasoning_text']);

/** The texts of a content; undefined when a part is something else (an image, say). */
export function contentTexts(content: unknown): readonly string[] | undefined {
  if (typeof content === 'string') return [content];
  if (content === null || content === undefined) return [];
  if (!Array.isArray(content)) return undefined;
  const texts: string[] = [];
  for (const part of content as readonly unknown[]) {
    const text = typeof part === 'string' ? part : isJsonObject(part) ? partText(part) : undefined;
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

function partText(part: JsonObject): string | undefined {
  const type = part['type'];
  if (type !== undefined && (typeof type !== 'string' || !TEXT_TYPES.has(type))) return undefined;
  const text = part['text'] ?? part['refusal'] ?? part['thinking'];
  return typeof text === 'string' ? text : undefined;
}
