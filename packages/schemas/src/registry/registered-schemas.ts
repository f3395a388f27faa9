/** What is known of a registry's ids: each schema is fetched once, and an id that has none is not asked for again at once. Bounded. */
import type { SchemaLookup } from '../framing.ts';
import type { SchemaRegistry } from './registry-client.ts';

/** Ids that are remembered, with and without a schema each; the oldest makes room. */
const REMEMBERED_MAX = 1_000;
/** For how long an id counts as unknown: a schema may be registered late, or reach this node of the registry late. */
const UNKNOWN_MS = 10_000;

export interface RegisteredSchemas {
  /** Resolves once all ids are known, or known to have no schema. Throws what the registry throws. */
  fetch(ids: Iterable<number>): Promise<void>;
  /** What was fetched; undefined when there is none. */
  readonly lookup: SchemaLookup;
}

export function registeredSchemas(registry: SchemaRegistry, nowMs: () => number): RegisteredSchemas {
  const schemas = new Map<number, unknown>();
  const unknownSinceMs = new Map<number, number>();
  return {
    fetch: async (ids) => {
      for (const id of new Set(ids)) {
        const sinceMs = unknownSinceMs.get(id);
        if (schemas.has(id) || (sinceMs !== undefined && nowMs() - sinceMs < UNKNOWN_MS)) continue;
        const schema = await registry.schemaOf(id);
        unknownSinceMs.delete(id);
        if (schema === undefined) remember(unknownSinceMs, id, nowMs());
        else remember(schemas, id, schema);
      }
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
