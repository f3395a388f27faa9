/** A usage object that a stream states in parts. */
import type { JsonObject } from './json-object.ts';

/** More members than any provider has. */
const MEMBERS_MAX = 64;
/** Longest part, as JSON, that is kept. */
const PART_CHARS_MAX = 65_536;
/** Stands for a part that is longer. */
export const TOO_LARGE = { omitted: 'too long' } as const;

/** `previous` with what `part` states in place of what was stated before: null leaves it. `text`: the JSON that held the part. Undefined when the part is too large to be one; members beyond
 *  the bound are dropped, so that a stream without an end needs no more memory. */
export function mergedUsage(previous: JsonObject | null, part: JsonObject, text: string): JsonObject | undefined {
  if (text.length > PART_CHARS_MAX && printedLength(part) > PART_CHARS_MAX) return undefined;
  const members = new Map(Object.entries(previous ?? {}));
  for (const [name, value] of Object.entries(part)) {
    if (members.has(name) ? value !== null : members.size < MEMBERS_MAX) members.set(name, value);
  }
  // A member called `__proto__` becomes one like any other.
  return Object.fromEntries(members);
}

/** Printing recurses, so that some thousand levels exhaust the stack. */
function printedLength(part: JsonObject): number {
  try {
    return JSON.stringify(part).length;
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}
