/** What the simulator reads of a request, the same for both providers. */

export interface ChatRequest {
  /** Without its script. */
  readonly model: string;
  readonly streamed: boolean;
  readonly bytes: number;
  /** Of the body's length and ends, so that equal requests get equal answers. */
  readonly hash: number;
  readonly maxTokens: number | undefined;
  /** The tool that would be called now; undefined when none is given or its result has just come. */
  readonly tool: { readonly name: string; readonly required: readonly (readonly [name: string, type: string])[] } | undefined;
  readonly reasons: boolean;
  readonly audio: boolean;
  readonly webSearch: boolean;
  /** The provider bills cache writes. */
  readonly cacheWrites: boolean;
  /** OpenAI: the stream shall end with its usage. */
  readonly includeUsage: boolean;
  readonly defaultTier: string;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Bytes at each end of a body that its hash looks at. */
const HASHED_BYTES = 1024;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objects(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

export function requiredMembers(schema: unknown): readonly (readonly [string, string])[] {
  if (!isObject(schema) || !Array.isArray(schema['required'])) return [];
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  return schema['required'].map((name) => {
    const property = properties[String(name)];
    return [String(name), isObject(property) ? String(property['type']) : 'string'];
  });
}

/** FNV-1a. */
export function hashOf(body: Buffer): number {
  let hash = 0x811c9dc5 ^ body.length;
  const mix = (from: number, to: number): void => {
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (body[at] as number), 0x01000193);
  };
  mix(0, Math.min(body.length, HASHED_BYTES));
  mix(Math.max(body.length - HASHED_BYTES, HASHED_BYTES), body.length);
  return hash >>> 0;
}
