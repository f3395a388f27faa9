/** What tracing counts: spans that arrived, spans that were dropped, and what waits. */
import { createMetrics, type Registry } from '@tokenledger/runtime';

export type DropReason = 'queue_full' | 'export_failed' | 'stopped';

export interface TracingMetrics {
  exported(spans: number): void;
  dropped(reason: DropReason, spans: number): void;
}

export function tracingMetrics(registry: Registry, waiting: () => number): TracingMetrics {
  const metrics = createMetrics(registry, 'tracing');
  const exported = metrics.counter('spans_exported_total', 'Spans that the receiver took.');
  const dropped = metrics.counter('spans_dropped_total', 'Spans that were not exported, by reason.', ['reason']);
  metrics.gaugeOf('queue_events', 'Requests whose spans wait to be exported.', waiting);
  return {
    exported: (spans) => exported.inc(spans),
    dropped: (reason, spans) => dropped.with({ reason }).inc(spans),
  };
}
