/** What the writer counts, per topic that it reads. */
import { createMetrics, type Registry } from '@tokenledger/runtime';
import type { LandedLane } from '@tokenledger/schemas';

export interface WriterMetrics {
  /** Rows that an insert put into a table, and how long it took. */
  inserted(table: string, rows: number, durationMs: number): void;
  /** A batch whose rows are all in ClickHouse. `lagMs`: age of its newest record since the log took it. */
  written(
    topic: string,
    batch: { readonly records: number; readonly repeats: number; readonly rejected: number; readonly lagMs: number },
  ): void;
  /** Records of a partition that the group has not committed. */
  behind(topic: string, partition: number, records: number): void;
  /** What was read to be in ClickHouse. */
  landed(lanes: readonly LandedLane[]): void;
  retried(topic: string): void;
  stopped(topic: string): void;
  /** A day was sealed, or could not be. */
  sealed(): void;
  sealFailed(): void;
  /** Corrections for the volume of a month could not be posted. */
  volumesFailed(): void;
  /** How many months' corrections are held back. */
  volumesHeld(months: number): void;
}

const INSERT_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_BUCKETS = [1, 10, 100, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000];
const LAG_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600];
const MILLISECONDS = 1e-3;

export function writerMetrics(registry: Registry): WriterMetrics {
  const metrics = createMetrics(registry, 'writer');
  const rows = metrics.counter('rows_inserted_total', 'Rows inserted, by table.', ['table']);
  const repeats = metrics.counter('repeats_total', 'Records whose row was there already, by topic.', ['topic']);
  const rejected = metrics.counter('rejected_total', 'Records that became dead letters, by topic.', ['topic']);
  const inserts = metrics.histogram('insert_duration_seconds', 'How long an insert took, by table.', INSERT_BUCKETS_SECONDS, ['table']);
  const batches = metrics.histogram('batch_records', 'Records per batch, by topic.', BATCH_BUCKETS, ['topic']);
  const lag = metrics.histogram('lag_seconds', 'From the log taking a record to its row in ClickHouse, by topic.', LAG_BUCKETS_SECONDS, [
    'topic',
  ]);
  const lagRecords = metrics.gauge(
    'lag_records',
    'Records that wait to be written, by topic and partition; of the whole group, not of this process.',
    ['topic', 'partition'],
  );
  const looks = metrics.counter('landed_looks_total', 'Looks for what has landed in ClickHouse.');
  const withGaps = metrics.gauge(
    'landed_lanes_with_gaps',
    'Sources and partitions with a missing number, of those that were looked at last.',
  );
  const retries = metrics.counter('retries_total', 'Failures after which a batch was taken up again, by topic.', ['topic']);
  const stops = metrics.counter('partitions_stopped_total', 'Partitions that stopped and need an operator, by topic.', ['topic']);
  const sealed = metrics.counter('days_sealed_total', 'Days that were sealed, or sealed anew.');
  const sealFailures = metrics.counter('seal_failures_total', 'Looks for days to seal that ended with an error.');
  const volumeFailures = metrics.counter('volume_failures_total', "Looks for corrections by a month's volume that ended with an error.");
  const volumesHeld = metrics.gauge(
    'volume_months_held',
    'Months whose corrections by volume are owed and not posted, since their period is closed or their rows have left.',
  );
  return {
    inserted(table, count, durationMs) {
      rows.with({ table }).inc(count);
      inserts.with({ table }).observe(durationMs * MILLISECONDS);
    },
    written(topic, batch) {
      repeats.with({ topic }).inc(batch.repeats);
      rejected.with({ topic }).inc(batch.rejected);
      batches.with({ topic }).observe(batch.records);
      lag.with({ topic }).observe(batch.lagMs * MILLISECONDS);
    },
    behind: (topic, partition, records) => lagRecords.with({ topic, partition: String(partition) }).set(records),
    landed(lanes) {
      looks.inc();
      withGaps.set(lanes.filter(({ missing }) => missing.length > 0).length);
    },
    retried: (topic) => retries.with({ topic }).inc(),
    stopped: (topic) => stops.with({ topic }).inc(),
    sealed: () => sealed.inc(),
    sealFailed: () => sealFailures.inc(),
    volumesFailed: () => volumeFailures.inc(),
    volumesHeld: (months) => volumesHeld.set(months),
  };
}
