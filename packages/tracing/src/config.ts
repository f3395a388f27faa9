/** How traces are sampled and exported. */
import { z } from 'zod';

export const tracingConfig = z.strictObject({
  endpoint: z
    .union([z.url({ protocol: /^https?$/ }), z.literal('')])
    .default('')
    .describe('Address of an OTLP/HTTP receiver, to which `/v1/traces` is added; empty turns tracing off.'),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'),
      z.string().regex(/^(env|file):.+$/, 'must be env:NAME or file:PATH'),
    )
    .default({})
    .describe('Headers to send to the receiver, by name; each value is given by reference: `env:NAME` or `file:PATH`.'),
  service_name: z.string().min(1).default('tokenledger').describe('Name of this service in its traces.'),
  sample_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'Share of the traces that begin here that are exported, 0 to 1; one that a client began is exported when the client says so.',
    ),
  queue_events_max: z.int().min(1).default(4096).describe('Requests whose spans may wait; beyond it spans are dropped and counted.'),
  batch_events_max: z.int().min(1).default(32).describe('Requests whose spans are sent at a time.'),
  batch_delay_ms: z.int().min(1).default(1000).describe('How long spans wait for others to be sent along, in milliseconds.'),
  export_timeout_ms: z
    .int()
    .min(100)
    .default(10_000)
    .describe('How long sending a batch may take, tries included, in milliseconds; then its spans are dropped and counted.'),
});

export type TracingConfig = z.output<typeof tracingConfig>;
