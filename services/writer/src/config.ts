/** Limits and times of the writer. */
import { z } from 'zod';

const MIB = 1024 * 1024;

export const writerConfig = z.strictObject({
  flush_interval_ms: z
    .int()
    .min(0)
    .max(60_000)
    .default(500)
    .describe(
      'How long a row may wait for others to be inserted along, in milliseconds. An insert costs about the same whatever its size.',
    ),
  batch_records_max: z.int().min(1).max(100_000).default(10_000).describe('Most rows per insert.'),
  batch_bytes_max: z
    .int()
    .min(MIB)
    .default(32 * MIB)
    .describe('Most bytes of records per insert, in bytes.'),
  landed_interval_ms: z
    .int()
    .min(10)
    .default(1000)
    .describe('How often the writer says what has landed in ClickHouse, in milliseconds; only then do ingresses let go of it.'),
  kill_wait_ms: z
    .int()
    .min(100)
    .default(30_000)
    .describe('How long a new owner waits for the inserts of the old one to end, in milliseconds, before it tries to take over again.'),
  missing_ranges_max: z
    .int()
    .min(0)
    .default(1000)
    .describe('Gaps remembered per source; beyond it ClickHouse is asked whether an old number is there.'),
  sources_max: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Sources remembered per partition; those longest unused are forgotten and read from ClickHouse again when needed.'),
  seal_interval_ms: z
    .int()
    .min(1000)
    .default(60_000)
    .describe('How often the writer that has partition 0 looks for days that are over or have changed, in milliseconds.'),
  allowed_lateness_ms: z
    .int()
    .min(0)
    .default(3_600_000)
    .describe(
      'How far behind the newest event another one may still be expected, in milliseconds. A day is sealed once events are that far beyond its end; what comes later has it sealed anew.',
    ),
  post_volumes: z
    .boolean()
    .default(true)
    .describe(
      'Whether the writer that seals days also posts what tiers of contracts and allowances of rate cards change by the volume of a month; else `tokenledger adjust` does.',
    ),
  retention_days: z
    .int()
    .min(0)
    .max(36_500)
    .default(0)
    .describe('For how many days raw rows stay once their day is over and sealed; 0: for ever. Sums by day and completeness outlive them.'),
  tenant_retention_days: z
    .record(z.string(), z.int().min(0).max(36_500))
    .default({})
    .describe('The same for single tenants, by their id: `{ acme: 30 }`.'),
});

export type WriterConfig = z.infer<typeof writerConfig>;
