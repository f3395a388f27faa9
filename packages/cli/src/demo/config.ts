/** Options of the demo. */
import { z } from 'zod';

export const demoConfig = z.strictObject({
  enabled: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe(
      'Demo documents, a provider simulator for channels without a credential, and light traffic; auto means on when no documents are configured.',
    ),
  requests_per_s: z
    .number()
    .min(0)
    .max(50)
    .default(2)
    .describe('Demo requests per second; 0 means none. They only ever go to simulated channels.'),
});
