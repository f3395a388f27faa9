/** What the ingress counts: requests by outcome, refusals that have no event, what waits to be published, and its own overhead. */
import type { Journal } from '@tokenledger/journal';
import { type CounterSeries, createMetrics, type Registry } from '@tokenledger/runtime';
import type { RequestEnd, RequestRecord } from './core/usage-event.ts';

/** Refusals that leave no event behind. */
export type UnrecordedReason = 'key_missing' | 'key_unknown' | 'head_too_large' | 'journal_full';

export interface IngressMetrics {
  /** A request that has its event. */
  finished(record: RequestRecord, end: RequestEnd): void;
  unrecorded(reason: UnrecordedReason): void;
  /** A call that costs nothing and has no event, e.g. a list of models. */
  free(surface: string): void;
  /** Answers that are read on although their client has left: one more, or one less. */
  draining(change: 1 | -1): void;
  published(count: number): void;
  publishFailed(): void;
}

const OVERHEAD_BUCKETS_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05];
const DURATION_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const MICROSECONDS = 1e-6;
const MILLISECONDS = 1e-3;

export function ingressMetrics(registry: Registry, journal: Journal, bytesInFlight: () => number): IngressMetrics {
  const metrics = createMetrics(registry, 'ingress');
  const requests = metrics.counter('requests_total', 'Requests that have an event, by surface and outcome.', ['surface', 'outcome']);
  const unrecorded = metrics.counter('unrecorded_total', 'Requests refused without an event, by reason.', ['reason']);
  const free = metrics.counter('free_calls_total', 'Calls that cost nothing and have no event.', ['surface']);
  const draining = metrics.gauge('draining', 'Answers that are read on although their client has left.');
  const published = metrics.counter('published_total', 'Events that the event log holds.');
  const failures = metrics.counter('publish_failures_total', 'Sends to the event log that failed and were tried again.');
  const overhead = metrics.histogram(
    'overhead_seconds',
    'Time the ingress adds before the first byte leaves for the provider.',
    OVERHEAD_BUCKETS_SECONDS,
  );
  const duration = metrics.histogram('duration_seconds', 'From the request accepted to its answer complete.', DURATION_BUCKETS_SECONDS);
  metrics.gaugeOf('journal_entries', 'Requests open or waiting for the event log.', () => journal.fill().entries);
  metrics.gaugeOf('journal_fill_ratio', 'How full the journal is, 0 to 1; at 1 requests are refused.', () => {
    const fill = journal.fill();
    return Math.max(fill.entries / fill.entriesMax, fill.bytes / fill.bytesMax);
  });
  metrics.gaugeOf('request_bytes_in_flight', 'Request bytes held at this moment.', bytesInFlight);
  const byOutcome = new Map<string, CounterSeries>();
  return {
    finished({ surface, overheadUs }, end) {
      const key = `${surface} ${end.outcome}`;
      let series = byOutcome.get(key);
      if (series === undefined) byOutcome.set(key, (series = requests.with({ surface, outcome: end.outcome })));
      series.inc();
      if (overheadUs !== null) overhead.observe(overheadUs * MICROSECONDS);
      duration.observe(end.durationMs * MILLISECONDS);
    },
    unrecorded: (reason) => unrecorded.with({ reason }).inc(),
    free: (surface) => free.with({ surface }).inc(),
    draining: (change) => draining.inc(change),
    published: (count) => published.inc(count),
    publishFailed: () => failures.inc(),
  };
}
