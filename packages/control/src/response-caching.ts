/** Whether answers may come from an ingress's memory, where exactly the same was asked before: said by a key, or by a route. */
import { z } from 'zod';

const TTL_S_MAX = 86_400;
const MS_PER_SECOND = 1_000;

/** Absent in a document: never. `ttl_s`: how old an answer may be. */
export const responseCacheSchema = z.strictObject({ ttl_s: z.int().min(1).max(TTL_S_MAX) });

/** Null: none comes from there. */
export function responseCacheTtlMs({
  response_cache: cache,
}: {
  readonly response_cache?: z.infer<typeof responseCacheSchema> | undefined;
}): number | null {
  return cache === undefined ? null : cache.ttl_s * MS_PER_SECOND;
}
