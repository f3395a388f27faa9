/** The objects an operator manages, one zod schema per kind, as they stand on the control topic, in a config file and in a request to apply them. */
import { SURFACE_NAMES } from '@tokenledger/providers';
import { z } from 'zod';
import { contractSchema, fxRateSchema, rateCardSchema } from './agreed-documents.ts';
import { ID, instant } from './document-fields.ts';
import { keyClassSchema } from './key-classes.ts';
import { modelListsSchema } from './model-policy.ts';
import { responseCacheSchema } from './response-caching.ts';
import { tiersSchema } from './tier-policy.ts';

const text = (max: number): z.ZodString => z.string().max(max);

/** A secret by reference: `env:NAME`, `file:PATH`. */
const SECRET_REFERENCE = z.string().regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, 'must be env:NAME or file:PATH');

/** What requests may ask for; absent: everything. */
const models = modelListsSchema.optional();
/** The only tiers whose channels requests may go to; absent: any channel. */
const tiers = tiersSchema.optional();

export const tenantSchema = z.strictObject({ kind: z.literal('tenant'), id: ID, name: text(200), models, tiers });

export const projectSchema = z.strictObject({ kind: z.literal('project'), id: ID, tenant: ID, name: text(200), models, tiers });

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
  /** The label `sensitivity`. */
  sensitivity: text(128).min(1).optional(),
});

/** What an operator says of a key: everything but its secret. */
export const virtualKeyInputSchema = z.strictObject({
  kind: z.literal('virtual_key'),
  id: ID,
  tenant: ID,
  /** Fixed for the key when given; otherwise a request names one of the tenant's projects in `x-tokenledger-project`. */
  project: ID.optional(),
  owner: ID,
  class: keyClassSchema.default('production'),
  settlement: z.strictObject({ kind: z.enum(['credits', 'wallet', 'cost_center']), id: text(128) }).optional(),
  /** Whether answers say which channel served (`x-tokenledger-channel`, `x-tokenledger-route-type`); absent: no. */
  shows_channel: z.boolean().optional(),
  /** Values that win over what a request's headers say. */
  fixed: FIXED_ATTRIBUTION.default({}),
  models,
  tiers,
  /** Absent: its answers never come from the response cache. */
  response_cache: responseCacheSchema.optional(),
});

/** In a config file a key's text stands elsewhere (`env:`, `file:`); only its keyed hash reaches the control topic. */
export const configVirtualKeySchema = virtualKeyInputSchema.extend({ secret: SECRET_REFERENCE, revoked: z.boolean().default(false) });

/** One secret that opens a key. While a rotation overlaps there are two. */
export const keySecretSchema = z.strictObject({
  /** HMAC-SHA-256 of the key's text, base64. */
  hash: z.base64().length(44),
  /** Of the hash secret that the hash was made with. */
  generation: z.int().min(1),
  created_at: instant,
  /** From this moment on it opens nothing; absent: for ever. */
  expires_at: instant.optional(),
});

/** More than a rotation within a rotation needs. */
export const KEY_SECRETS_MAX = 8;

export const virtualKeySchema = virtualKeyInputSchema.extend({
  hashes: z.array(keySecretSchema).max(KEY_SECRETS_MAX),
  revoked: z.boolean(),
});

export const channelSchema = z.strictObject({
  kind: z.literal('channel'),
  id: ID,
  provider: ID,
  /** APIs that it speaks; absent: those of its provider. */
  surfaces: z.array(z.enum(SURFACE_NAMES)).min(1).optional(),
  base_url: z.url({ protocol: /^https?$/ }),
  credential: SECRET_REFERENCE,
  region: text(64).default(''),
  /** Ask OpenAI streams for usage when the client did not, and keep the added bytes from the client. */
  inject_usage: z.boolean().default(true),
  /** Of the channels that speak a surface the lowest serves it; among equals the first by id. */
  priority: z.int().min(0).max(1_000_000).default(100),
  /** A class of trust or quality that operators group channels by, e.g. `eu-only`; `''`: none. */
  tier: text(64).optional(),
  /** Requests that routes send there at one time; beyond it the next channel of the route is taken, and where there is none the request refused. Absent: any number. */
  in_flight_max: z.int().min(1).max(1_000_000).optional(),
  /** How long an answer is read on after its client has left, so that its usage is seen; absent: as `ingress.drain_timeout_ms` says. */
  drain_timeout_ms: z.int().min(0).max(3_600_000).optional(),
  /** How much of it; absent: as `ingress.drain_bytes_max` says. */
  drain_bytes_max: z.int().min(0).optional(),
});

/** One place of a route. */
const routeChannelSchema = z.strictObject({
  channel: ID,
  /** Neighbours with a weight share the requests by it, and stand in for each other; one without a weight stands alone. */
  weight: z.int().min(1).max(1_000_000).optional(),
  /** What the provider is asked for in place of the requested model; absent: that one. */
  model: text(256).min(1).optional(),
  /** Whether it is there because it costs less: events say `cheaper_pool`. */
  cheaper: z.boolean().default(false),
});

export const ROUTE_CHANNELS_MAX = 32;
export const ROUTE_ATTEMPTS_MAX = 10;

/** Which channels serve a request, in order. It takes requests that name no channel, whose surface one of its channels speaks, and that match everything it lists. */
export const routeSchema = z.strictObject({
  kind: z.literal('route'),
  id: ID,
  /** Requested models: exact, or with a `*` at the end that stands for any rest; absent: any. */
  models: z.array(text(256).min(1)).min(1).max(200).optional(),
  /** Of `x-tokenledger-task`, or as the key fixes it; absent: any. */
  task_types: z.array(text(128).min(1)).min(1).max(200).optional(),
  /** Labels that the request must carry, each with this value; absent: any. */
  labels: z.record(text(64).min(1), text(128).min(1)).optional(),
  /** Of the routes that match a request the lowest takes it; among equals the first by id. */
  priority: z.int().min(0).max(1_000_000).default(100),
  channels: z.array(routeChannelSchema).min(1).max(ROUTE_CHANNELS_MAX),
  /** Requests of one conversation (`x-tokenledger-conversation`) go to one of the weighted channels, as long as it serves: the provider's cache is there. */
  sticky: z.boolean().default(false),
  /** Upstream calls that one request may cause, the first included. */
  attempts_max: z.int().min(1).max(ROUTE_ATTEMPTS_MAX).default(3),
  /** How often a channel is tried again after 429 or 5xx before the next one is. */
  retries: z
    .int()
    .min(0)
    .max(ROUTE_ATTEMPTS_MAX - 1)
    .default(1),
  /** Longest wait that a `Retry-After` is obeyed for; beyond it the next channel is tried. */
  retry_after_max_ms: z.int().min(0).max(60_000).default(10_000),
  /** How long one attempt may take to begin its answer; absent: as `ingress.upstream_headers_timeout_ms` says. */
  attempt_timeout_ms: z.int().min(100).max(3_600_000).optional(),
  /** No attempt begins later than this after the request came; `x-tokenledger-timeout-ms` may ask for less. */
  deadline_ms: z.int().min(100).max(3_600_000).default(600_000),
  /** When an answer has not begun by then, another channel is asked as well, and whichever answers first serves; absent: never. Both may be billed. */
  hedge_after_ms: z.int().min(10).max(600_000).optional(),
  /** Most tokens of output that a request may ask for: more is lowered to it, and where a request names no bound this one is added. */
  max_tokens: z.int().min(1).max(10_000_000).optional(),
  /** Mark the unchanging beginning of prompts for the provider's cache, as it wants that, where the client marks nothing. */
  prompt_caching: z.boolean().default(false),
  /** Absent: as the key says; where both say something the shorter time holds. */
  response_cache: responseCacheSchema.optional(),
});

/** So that a book and its audit fit into one change. */
export const PRICE_BOOK_CHARACTERS_MAX = 700_000;

/** A whole price book. What it says cannot change once an activation names it. */
export const priceBookSchema = z.strictObject({
  kind: z.literal('price_book'),
  id: ID,
  /** YAML or JSON as `tokenledger` reads it from a file: as text, since a number of JSON is a float and a price is not. */
  text: z.string().min(1).max(PRICE_BOOK_CHARACTERS_MAX),
});

/** From `activates_at` on, requests are priced by this book. */
export const priceBookActivationSchema = z.strictObject({
  kind: z.literal('price_book_activation'),
  id: ID,
  price_book: ID,
  activates_at: instant,
});

/** A period whose amounts were reported: nothing in it is corrected by accident. */
export const closedPeriodSchema = z
  .strictObject({
    kind: z.literal('closed_period'),
    id: ID,
    /** Absent: of all tenants. */
    tenant: ID.optional(),
    from: instant,
    /** Exclusive. */
    to: instant,
    note: text(500).default(''),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after `from`' });

/** One generation of the secret that keys are hashed with; its id is the generation. Never the secret itself. */
export const keyHashSecretSchema = z.strictObject({
  kind: z.literal('key_hash_secret'),
  id: ID,
  generation: z.int().min(1),
  /** HMAC-SHA-256 of a fixed text under the secret, base64: tells another secret from this one. */
  check: z.base64().length(44),
  created_at: instant,
});

/** As they stand on the control topic. */
export const controlDocumentSchema = z.discriminatedUnion('kind', [
  tenantSchema,
  projectSchema,
  ownerSchema,
  virtualKeySchema,
  channelSchema,
  routeSchema,
  priceBookSchema,
  priceBookActivationSchema,
  contractSchema,
  rateCardSchema,
  fxRateSchema,
  closedPeriodSchema,
  keyHashSecretSchema,
]);

/** As an operator hands them in. */
export const documentInputSchema = z.discriminatedUnion('kind', [
  tenantSchema,
  projectSchema,
  ownerSchema,
  virtualKeyInputSchema,
  channelSchema,
  routeSchema,
  priceBookSchema,
  priceBookActivationSchema,
  contractSchema,
  rateCardSchema,
  fxRateSchema,
  closedPeriodSchema,
]);

export type Tenant = z.infer<typeof tenantSchema>;
export type Project = z.infer<typeof projectSchema>;
export type Owner = z.infer<typeof ownerSchema>;
export type VirtualKeyInput = z.infer<typeof virtualKeyInputSchema>;
export type ConfigVirtualKey = z.infer<typeof configVirtualKeySchema>;
export type KeySecret = z.infer<typeof keySecretSchema>;
export type VirtualKey = z.infer<typeof virtualKeySchema>;
export type Channel = z.infer<typeof channelSchema>;
export type Route = z.infer<typeof routeSchema>;
export type PriceBookDocument = z.infer<typeof priceBookSchema>;
export type PriceBookActivation = z.infer<typeof priceBookActivationSchema>;
export type ClosedPeriodDocument = z.infer<typeof closedPeriodSchema>;
export type KeyHashSecret = z.infer<typeof keyHashSecretSchema>;

export type ControlDocument = z.infer<typeof controlDocumentSchema>;
export type ControlKind = ControlDocument['kind'];
export type DocumentOf<Kind extends ControlKind> = Extract<ControlDocument, { kind: Kind }>;
/** Defaults filled in. */
export type DocumentInput = z.infer<typeof documentInputSchema>;
/** As it stands in a config file. */
export type ConfigDocument = Tenant | Project | Owner | ConfigVirtualKey | Channel | Route;

/** In an order in which each kind names only kinds before it. */
export const CONTROL_KINDS = [
  'key_hash_secret',
  'tenant',
  'project',
  'owner',
  'virtual_key',
  'channel',
  'route',
  'price_book',
  'price_book_activation',
  'contract',
  'rate_card',
  'fx_rate',
  'closed_period',
] as const satisfies readonly ControlKind[];
