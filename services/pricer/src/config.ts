/** Limits and times of the pricer. */
import { z } from 'zod';

const MIB = 1024 * 1024;
/** A price activates at least so long after it was announced. Half of that is left for clocks that disagree. */
const NOTICE_MS = 60_000;

export const pricerConfig = z.strictObject({
  batch_records_max: z.int().min(1).max(10_000).default(1000).describe('Most events rated and sent at a time.'),
  batch_bytes_max: z
    .int()
    .min(MIB)
    .default(8 * MIB)
    .describe('Most bytes of events rated and sent at a time.'),
  linger_ms: z.int().min(0).max(10_000).default(20).describe('How long an event may wait for others to be sent along, in milliseconds.'),
  prices_behind_ms_max: z
    .int()
    .min(1000)
    .max(NOTICE_MS / 2)
    .default(NOTICE_MS / 2)
    .describe('How long ago the control topic may have been read to its end, in milliseconds; beyond it no event is priced.'),
});

export type PricerConfig = z.infer<typeof pricerConfig>;
