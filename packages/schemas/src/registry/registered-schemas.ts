/** What is known of a registry's ids: each schema is fetched once, and an id that has none is not asked for again at once. Bounded. */
import type { SchemaLookup } from '../framing.ts';
import type { SchemaRegistry } from './registry-client.ts';

/** Ids that are remembered, with and without a schema each; the oldest makes room. */
const REMEMBERED_MAX = 1_000;
/** For how long an id counts as unknown: a schema may be registered late, or reach this node of the registry late. */
const UNKNOWN_MS = 10_000;

export interface RegisteredSchemas {
  /** Whether there is nothing to fetch: its schema is here, or it has none. */
  knows(id: number): boolean;
  /** Resolves once the id is known. Throws what the registry throws. */
  fetch(id: number): Promise<void>;
  /** What was fetched; undefined when there is none. */
  readonly lookup: SchemaLookup;
}

export function registeredSchemas(registry: SchemaRegistry, nowMs: () => number): RegisteredSchemas {
  const schemas = new Map<number, unknown>();
  const unknownSinceMs = new Map<number, number>();
  const knows = (id: number): boolean => {
    const sinceMs = unknownSinceMs.get(id);
    return schemas.has(id) || (sinceMs !== undefined && nowMs() - sinceMs < UNKNOWN_MS);
  };
  return {
    knows,
    fetch: async (id) => {
      if (knows(id)) return;
      const schema = await registry.schemaOf(id);
      unknownSinceMs.delete(id);
      if (schema === undefined) remember(unknownSinceMs, id, nowMs());
      else remember(schemas, id, schema);
    },
    lookup: (id) => schemas.get(id),
  };
}

function remember<Value>(map: Map<number, Value>, id: number, value: Value): void {
  map.set(id, value);
  for (const oldest of map.keys()) {
    if (map.size <= REMEMBERED_MAX) return;
    map.delete(oldest);
  }
}
