/** What the response cache counts, and how full it is. */
import type { Metrics } from '@tokenledger/runtime';
import type { CacheStats } from './response-cache.ts';

export function responseCacheMetrics(metrics: Metrics, stats: () => CacheStats): void {
  metrics.counterOf('response_cache_hits_total', 'Answers that came from the response cache.', () => stats().hits);
  metrics.counterOf(
    'response_cache_misses_total',
    'Answers that might have come from the response cache and were not there.',
    () => stats().misses,
  );
  metrics.counterOf('response_cache_stored_total', 'Answers that went into the response cache.', () => stats().stored);
  metrics.counterOf(
    'response_cache_evicted_total',
    'Answers that left the response cache before their time, for want of room.',
    () => stats().evicted,
  );
  metrics.gaugeOf('response_cache_entries', 'Answers in the response cache.', () => stats().entries);
  metrics.gaugeOf('response_cache_bytes', 'Bytes of answers in the response cache, of those on their way there too.', () => stats().bytes);
}
