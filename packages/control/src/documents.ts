/** The objects an operator manages, one zod schema per kind. The config file holds the same documents that the registry will manage. */
import { z } from 'zod';

const ID = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, dot, dash, underscore and start with a letter or digit');
const text = (max: number): z.ZodString => z.string().max(max);

/** A secret by reference: `env:NAME`, `file:PATH`. */
const SECRET_REFERENCE = z.string().regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, 'must be env:NAME or file:PATH');

export const tenantSchema = z.strictObject({ kind: z.literal('tenant'), id: ID, name: text(200) });

export const projectSchema = z.strictObject({ kind: z.literal('project'), id: ID, tenant: ID, name: text(200) });

export const ownerSchema = z.strictObject({
  kind: z.literal('owner'),
  id: ID,
  tenant: ID,
  name: text(200),
  team: text(200).default(''),
  email: z.union([z.email(), z.literal('')]).default(''),
});

const FIXED_ATTRIBUTION = z.strictObject({
  application: text(128).optional(),
  application_version: text(128).optional(),
  feature: text(128).optional(),
  workflow: text(128).optional(),
  task_type: text(128).optional(),
  user: text(128).optional(),
  environment: text(128).optional(),
  prompt_version: text(128).optional(),
  mcp_server: text(128).optional(),
});

export const virtualKeySchema = z.strictObject({
  kind: z.literal('virtual_key'),
  id: ID,
  tenant: ID,
  /** Fixed for the key when given; otherwise a request names one of the tenant's projects in `x-tokenledger-project`. */
  project: ID.optional(),
  owner: ID,
  /** Where the key's text is found at start (`env:`, `file:`); only its keyed hash is kept in memory. */
  secret: SECRET_REFERENCE,
  revoked: z.boolean().default(false),
  settlement: z.strictObject({ kind: z.enum(['credits', 'wallet', 'cost_center']), id: text(128) }).optional(),
  /** Values that win over what a request's headers say. */
  fixed: FIXED_ATTRIBUTION.default({}),
});

export const SURFACES = ['openai.chat', 'anthropic.messages'] as const;

export const channelSchema = z.strictObject({
  kind: z.literal('channel'),
  id: ID,
  provider: ID,
  surfaces: z.array(z.enum(SURFACES)).min(1),
  base_url: z.url({ protocol: /^https?$/ }),
  credential: SECRET_REFERENCE,
  region: text(64).default(''),
  /** Ask OpenAI streams for usage when the client did not, and keep the added bytes from the client. */
  inject_usage: z.boolean().default(true),
});

export const documentSchema = z.discriminatedUnion('kind', [tenantSchema, projectSchema, ownerSchema, virtualKeySchema, channelSchema]);

export type Tenant = z.infer<typeof tenantSchema>;
export type Project = z.infer<typeof projectSchema>;
export type Owner = z.infer<typeof ownerSchema>;
export type VirtualKey = z.infer<typeof virtualKeySchema>;
export type Channel = z.infer<typeof channelSchema>;
export type ControlDocument = z.infer<typeof documentSchema>;
