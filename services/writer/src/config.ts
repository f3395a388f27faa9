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
});

export type WriterConfig = z.infer<typeof writerConfig>;
