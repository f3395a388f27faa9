/** What the pricer counts. Repeats after a crash count again. */
import { createMetrics, type Registry } from '@tokenledger/runtime';
import type { Decision } from './core/decide.ts';

export interface PricerMetrics {
  /** A batch that was decided. `lagMs`: age of its oldest record since the log took it. */
  decided(decisions: readonly Decision[], lagMs: number): void;
  /** Events of a partition that the group has not committed. */
  behind(partition: number, records: number): void;
  retried(): void;
  stopped(): void;
}

const BATCH_BUCKETS = [1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const LAG_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600];
const MILLISECONDS = 1e-3;

/** `behindMs`: how old the knowledge of prices may be. */
export function pricerMetrics(registry: Registry, behindMs: () => number): PricerMetrics {
  const metrics = createMetrics(registry, 'pricer');
  const priced = metrics.counter('events_priced_total', 'Events that were rated, whether or not their cost is known.');
  const unpriced = metrics.counter('attempts_unpriced_total', 'Attempts without a cost, by reason, provider and model.', [
    'reason',
    'provider',
    'model',
  ]);
  const refused = metrics.counter('events_rejected_total', 'Events that were rejected, by code.', ['code']);
  const letters = metrics.counter('dead_letters_total', 'Records that became dead letters, by code.', ['code']);
  const batches = metrics.histogram('batch_records', 'Events per batch.', BATCH_BUCKETS);
  const lag = metrics.histogram(
    'lag_seconds',
    'From the log taking an event to its rating, of the oldest in a batch.',
    LAG_BUCKETS_SECONDS,
  );
  const lagRecords = metrics.gauge('lag_records', 'Events that wait to be rated, by partition; of the whole group, not of this process.', [
    'partition',
  ]);
  const retries = metrics.counter('retries_total', 'Failures after which a step was taken up again.');
  metrics.gaugeOf(
    'prices_behind_seconds',
    'Since the control topic was last read to its end; beyond `pricer.prices_behind_ms_max` no event is priced.',
    () => behindMs() * MILLISECONDS,
  );
  const stops = metrics.counter('partitions_stopped_total', 'Partitions that stopped and need an operator.');
  return {
    decided(decisions, lagMs) {
      let events = 0;
      for (const decision of decisions) {
        switch (decision.kind) {
          case 'priced':
            events += 1;
            for (const { reason, provider, model } of decision.unpriced) unpriced.with({ reason, provider, model }).inc();
            break;
          case 'rejected':
            refused.with({ code: decision.code }).inc();
            break;
          case 'dead_letter':
            letters.with({ code: decision.code }).inc();
            break;
        }
      }
      priced.inc(events);
      batches.observe(decisions.length);
      lag.observe(lagMs * MILLISECONDS);
    },
    behind: (partition, records) => lagRecords.with({ partition: String(partition) }).set(records),
    retried: () => retries.inc(),
    stopped: () => stops.inc(),
  };
}
