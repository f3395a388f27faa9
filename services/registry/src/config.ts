/** Where the registry listens, who may use it, and its limits. */
import { scopeSchema } from '@tokenledger/control';
import { z } from 'zod';

const MIB = 1024 * 1024;

const adminTokenSchema = z.strictObject({
  name: z.string().min(1).max(100),
  token: z.string().regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, 'must be env:NAME or file:PATH'),
  scopes: z.array(scopeSchema).min(1),
});

export const registryConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8082).describe('Port to listen on; 0 takes any free one.'),
  tokens: z
    .array(adminTokenSchema)
    .max(1000)
    .default([])
    .describe(
      'Who may use the admin API: a name for the audit, the token by reference (at least 20 characters), and scopes: `read`, `write`, and `keys` for everything about virtual keys.',
    ),
  body_bytes_max: z
    .int()
    .min(1024)
    .default(4 * MIB)
    .describe('Largest request body, in bytes; a larger one is answered 413.'),
  changes_waiting_max: z.int().min(1).max(100_000).default(256).describe('Changes that may wait for the one in hand; beyond it 503.'),
  change_timeout_ms: z
    .int()
    .min(100)
    .max(60_000)
    .default(10_000)
    .describe('How long a change may take to be read back from the event log, in milliseconds; after that it is answered 503.'),
  start_wait_ms: z
    .int()
    .min(0)
    .default(10_000)
    .describe('How long a start waits to become the registry that writes, in milliseconds; after that it stands by.'),
});

export type RegistryConfig = z.infer<typeof registryConfig>;
