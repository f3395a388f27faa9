/** Limits and times of the pricer. */
import { z } from 'zod';

const MIB = 1024 * 1024;

export const pricerConfig = z.strictObject({
  batch_records_max: z.int().min(1).max(10_000).default(1000).describe('Most events rated and sent at a time.'),
  batch_bytes_max: z
    .int()
    .min(MIB)
    .default(8 * MIB)
    .describe('Most bytes of events rated and sent at a time.'),
  linger_ms: z.int().min(0).max(10_000).default(20).describe('How long an event may wait for others to be sent along, in milliseconds.'),
});

export type PricerConfig = z.infer<typeof pricerConfig>;
