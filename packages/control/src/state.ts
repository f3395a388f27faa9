/** Everything the ingress needs to decide a request, resolved once per change of the documents, never on a request's path. */
import type { Attribution } from '@tokenledger/domain';
import { AppError, type Rejected } from '@tokenledger/domain';
import type { SurfaceName } from '@tokenledger/providers';
import { documentSet, type DocumentSet } from './document-set.ts';
import { surfacesBelow, surfacesOf } from './channel-surfaces.ts';
import type { Channel, ConfigDocument, ControlDocument, KeySecret, VirtualKey } from './documents.ts';
import type { KeyClass } from './key-classes.ts';
import { type KeyHasher, keyHasher, type KeyHashers } from './key-hash.ts';
import { KEY_LENGTH_MIN } from './key-text.ts';
import { type ModelPolicy, modelPolicy } from './model-policy.ts';
import { brokenReference } from './references.ts';
import { responseCacheTtlMs } from './response-caching.ts';
import { type RouteTable, routeTable } from './routes.ts';
import type { SecretReader } from './secrets.ts';
import { type TierPolicy, tierPolicy } from './tier-policy.ts';

/** A virtual key with what follows from it. */
export interface ResolvedKey {
  readonly id: string;
  readonly class: KeyClass;
  readonly revoked: boolean;
  /** What an event carries when the request adds nothing. */
  readonly attribution: Attribution;
  /** Attribution fields that the request's headers cannot change. */
  readonly fixed: ReadonlySet<keyof Attribution>;
  /** The tenant's projects: what a request may name. */
  readonly projects: ReadonlySet<string>;
  /** What its requests may ask for; null: everything. */
  readonly models: ModelPolicy | null;
  /** Where they may go; null: to any channel. */
  readonly tiers: TierPolicy | null;
  /** Whether its answers say which channel served. */
  readonly showsChannel: boolean;
  /** How old an answer from the response cache may be; null: none comes from there. */
  readonly cacheTtlMs: number | null;
}

export interface ResolvedChannel {
  readonly id: string;
  readonly provider: string;
  /** APIs that it speaks under the paths that these have at the root. */
  readonly surfaces: readonly SurfaceName[];
  /** These, and those that it has under paths of its own: told where a client names the channel. */
  readonly surfacesBelow: readonly SurfaceName[];
  readonly baseUrl: string;
  readonly region: string;
  readonly injectUsage: boolean;
  /** Limits of reading on after a client has left; null: as the config says. */
  readonly drainTimeoutMs: number | null;
  readonly drainBytesMax: number | null;
  /** `''`: none. */
  readonly tier: string;
  /** Requests of routes at one time; null: any number. */
  readonly inFlightMax: number | null;
  /** `''` when `problem` says why there is none. */
  readonly credential: string;
  /** Why requests cannot be sent there, in one sentence that names the fix; `''` when they can. */
  readonly problem: string;
}

/** One document that this process cannot use. All others work. */
export interface ControlProblem {
  readonly kind: ControlDocument['kind'];
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

/** An immutable snapshot. */
export interface ControlState {
  /** Constant in time with respect to the keys that exist. Revoked keys are found, expired secrets are not. */
  findKey(text: string): ResolvedKey | undefined;
  /** The channel that serves a surface; undefined when none does. Look at its `problem` before using it. */
  channelFor(surface: string): ResolvedChannel | undefined;
  /** As for `channelFor`. */
  channelNamed(id: string): ResolvedChannel | undefined;
  readonly channels: readonly ResolvedChannel[];
  /** Undefined when there are no routes. */
  readonly routes: RouteTable | undefined;
  readonly keyCount: number;
  readonly problems: readonly ControlProblem[];
}

/** The state as it is now; later versions replace it while requests run on what they began with. */
export interface ControlView {
  current(): ControlState;
}

export interface ControlSources {
  readonly readSecret: SecretReader;
  /** At least 32 bytes; the same for every ingress. */
  readonly keyHashSecret: Uint8Array;
}

const ONLY_GENERATION = 1;
const LONG_AGO = '1970-01-01T00:00:00.000Z';

/** Resolves the documents of a config file into a state that never changes. Throws `DOCUMENT_DUPLICATE`, `REFERENCE_MISSING`, `SECRET_MISSING`, `SECRET_WEAK`. */
export function resolveControl(configured: readonly ConfigDocument[], sources: ControlSources): ControlState {
  const hasher = keyHasher(sources.keyHashSecret);
  assertUnique(configured);
  const documents = documentSet(
    configured.map((document) => {
      if (document.kind !== 'virtual_key') return document;
      const hash = hashConfigured(document, hasher, sources.readSecret);
      return keyFromConfig(document, [{ hash, generation: ONLY_GENERATION, created_at: LONG_AGO }]);
    }),
  );
  for (const document of configured) {
    const broken = brokenReference(document, documents);
    if (broken !== null) throw new AppError(broken.code, broken.message);
  }
  const state = controlState(documents, {
    hashers: new Map([[ONLY_GENERATION, hasher]]),
    readSecret: sources.readSecret,
    channels: channelCache(),
    nowMs: 0,
  });
  const [problem] = state.problems;
  if (problem !== undefined) throw new AppError(problem.code, problem.message);
  return state;
}

/** Throws `SECRET_MISSING`, `SECRET_WEAK`. */
export function hashConfigured(key: { readonly id: string; readonly secret: string }, hasher: KeyHasher, readSecret: SecretReader): string {
  const text = readSecret(key.secret);
  if (text.length < KEY_LENGTH_MIN) {
    throw new AppError('SECRET_WEAK', `virtual key '${key.id}' has ${text.length} characters: use at least ${KEY_LENGTH_MIN}`);
  }
  return hasher.hash(text);
}

/** The document on the control topic for a key of the config file: its hashes instead of its secret. */
export function keyFromConfig(
  { secret: _secret, ...key }: Extract<ConfigDocument, { kind: 'virtual_key' }>,
  hashes: readonly KeySecret[],
): VirtualKey {
  return { ...key, hashes: [...hashes] };
}

export interface StateOptions {
  readonly hashers: KeyHashers;
  readonly readSecret: SecretReader;
  readonly channels: ChannelCache;
  /** Milliseconds since the epoch: secrets that have expired by then open nothing. */
  readonly nowMs: number;
}

/** Channels that were resolved, by document: an unchanged document is the same channel in the next state. */
export type ChannelCache = WeakMap<Channel, ResolvedChannel>;

export function channelCache(): ChannelCache {
  return new WeakMap();
}

/** Resolves what can be resolved; the rest is in `problems`. Never throws. */
export function controlState(documents: DocumentSet, options: StateOptions): ControlState {
  const problems: ControlProblem[] = [];
  const report = ({ kind, id }: ControlDocument, { code, message }: Pick<Rejected, 'code' | 'message'>): void => {
    problems.push({ kind, id, code, message });
  };
  const keys = new Map<string, VirtualKey>();
  let keyCount = 0;
  for (const key of documents.of('virtual_key')) {
    const broken = brokenReference(key, documents);
    if (broken !== null) {
      report(key, broken);
      continue;
    }
    keyCount += 1;
    for (const secret of key.hashes) {
      const refused = placeHash(keys, key, secret, options);
      if (refused !== null) report(key, refused);
    }
  }
  const channels = documents
    .of('channel')
    .toSorted((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1))
    .map((document) => ({ document, channel: resolveChannel(document, options) }));
  for (const { document, channel } of channels) {
    if (channel.problem !== '') report(document, { code: 'SECRET_MISSING', message: `channel '${channel.id}': ${channel.problem}` });
  }
  const bySurface = new Map<string, ResolvedChannel>();
  for (const { channel } of channels) {
    for (const surface of channel.surfaces) if (!bySurface.has(surface)) bySurface.set(surface, channel);
  }
  const byId = new Map(channels.map(({ channel }) => [channel.id, channel]));
  const routes = documents.of('route');
  for (const route of routes) {
    const broken = brokenReference(route, documents);
    if (broken !== null) report(route, broken);
  }

  const hashers = [...options.hashers].toSorted(([a], [b]) => b - a);
  const projects = Map.groupBy(documents.of('project'), ({ tenant }) => tenant);
  const resolved = new Map<VirtualKey, ResolvedKey>();
  /** On a key's first use: a change of one document must not cost a pass over all keys. */
  const resolve = (key: VirtualKey): ResolvedKey => {
    let found = resolved.get(key);
    if (found === undefined) {
      const ofTenant = projects.get(key.tenant) ?? [];
      const itsOwn = key.project === undefined ? ofTenant : ofTenant.filter(({ id }) => id === key.project);
      const tenant = documents.get('tenant', key.tenant);
      const policies = { models: modelPolicy({ key, tenant, projects: itsOwn }), tiers: tierPolicy(tenant, key, itsOwn) };
      const team = documents.get('owner', key.owner)?.team ?? '';
      resolved.set(key, (found = resolveKey(key, team, new Set(ofTenant.map(({ id }) => id)), policies)));
    }
    return found;
  };
  return {
    findKey(text) {
      for (const [generation, hasher] of hashers) {
        const key = keys.get(lookup(generation, hasher.hash(text)));
        if (key !== undefined) return resolve(key);
      }
      return undefined;
    },
    channelFor: (surface) => bySurface.get(surface),
    channelNamed: (id) => byId.get(id),
    channels: channels.map(({ channel }) => channel),
    routes: routeTable(routes, byId),
    keyCount,
    problems,
  };
}

function lookup(generation: number, hash: string): string {
  return `${generation}/${hash}`;
}

function placeHash(
  keys: Map<string, VirtualKey>,
  key: VirtualKey,
  secret: KeySecret,
  { hashers, nowMs }: StateOptions,
): Pick<Rejected, 'code' | 'message'> | null {
  if (secret.expires_at !== undefined && Date.parse(secret.expires_at) <= nowMs) return null;
  if (!hashers.has(secret.generation)) {
    const message = `virtual key '${key.id}' is hashed with the secret of generation ${secret.generation}, which this process was not given: rotate the key, or set control.key_hash_secret_previous to that secret`;
    return { code: 'KEY_HASH_SECRET_MISSING', message };
  }
  const at = lookup(secret.generation, secret.hash);
  const other = keys.get(at);
  if (other !== undefined) {
    return { code: 'DOCUMENT_DUPLICATE', message: `virtual key '${key.id}' has the same secret as '${other.id}': give each key its own` };
  }
  keys.set(at, key);
  return null;
}

function resolveChannel(document: Channel, { channels, readSecret }: StateOptions): ResolvedChannel {
  const known = channels.get(document);
  if (known !== undefined) return known;
  const channel = (credential: string, problem: string): ResolvedChannel => ({
    id: document.id,
    provider: document.provider,
    surfaces: surfacesOf(document),
    surfacesBelow: surfacesBelow(document),
    baseUrl: document.base_url.replace(/\/+$/, ''),
    region: document.region,
    injectUsage: document.inject_usage,
    drainTimeoutMs: document.drain_timeout_ms ?? null,
    drainBytesMax: document.drain_bytes_max ?? null,
    tier: document.tier ?? '',
    inFlightMax: document.in_flight_max ?? null,
    credential,
    problem,
  });
  try {
    const resolved = channel(readSecret(document.credential), '');
    channels.set(document, resolved);
    return resolved;
  } catch (error) {
    // Not kept: the secret may be there the next time.
    return channel('', error instanceof Error ? error.message : String(error));
  }
}

function resolveKey(
  document: VirtualKey,
  team: string,
  projects: ReadonlySet<string>,
  policies: Pick<ResolvedKey, 'models' | 'tiers'>,
): ResolvedKey {
  const { fixed } = document;
  const attribution: Attribution = {
    tenantId: document.tenant,
    projectId: document.project ?? '',
    ownerId: document.owner,
    team,
    userId: fixed.user ?? '',
    virtualKeyId: document.id,
    application: fixed.application ?? '',
    applicationVersion: fixed.application_version ?? '',
    feature: fixed.feature ?? '',
    workflowId: fixed.workflow ?? '',
    taskId: '',
    taskType: fixed.task_type ?? '',
    conversationId: '',
    environment: fixed.environment ?? '',
    promptVersion: fixed.prompt_version ?? '',
    mcpServer: fixed.mcp_server ?? '',
    labels: Object.freeze(fixed.sensitivity === undefined ? {} : { sensitivity: fixed.sensitivity }),
    settlementKind: document.settlement?.kind ?? '',
    settlementId: document.settlement?.id ?? '',
  };
  return {
    id: document.id,
    class: document.class,
    revoked: document.revoked,
    attribution: Object.freeze(attribution),
    fixed: fixedFields(document),
    projects,
    ...policies,
    showsChannel: document.shows_channel ?? false,
    cacheTtlMs: responseCacheTtlMs(document),
  };
}

function fixedFields(document: VirtualKey): ReadonlySet<keyof Attribution> {
  // `sensitivity` is a label: those of a key win by themselves.
  const names: Record<Exclude<keyof VirtualKey['fixed'], 'sensitivity'>, keyof Attribution> = {
    application: 'application',
    application_version: 'applicationVersion',
    feature: 'feature',
    workflow: 'workflowId',
    task_type: 'taskType',
    user: 'userId',
    environment: 'environment',
    prompt_version: 'promptVersion',
    mcp_server: 'mcpServer',
  };
  const fields = new Set<keyof Attribution>();
  if (document.project !== undefined) fields.add('projectId');
  for (const [name, field] of Object.entries(names)) {
    if (document.fixed[name as keyof VirtualKey['fixed']] !== undefined) fields.add(field);
  }
  return fields;
}

function assertUnique(documents: readonly ConfigDocument[]): void {
  const seen = new Set<string>();
  for (const { kind, id } of documents) {
    if (seen.has(`${kind}/${id}`)) throw new AppError('DOCUMENT_DUPLICATE', `${kind} '${id}' is there twice: rename or remove one`);
    seen.add(`${kind}/${id}`);
  }
}
