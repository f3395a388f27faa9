/** Everything the ingress needs to decide a request, resolved once per change of the documents, never on a request's path. */
import type { Attribution } from '@tokenledger/domain';
import { AppError } from '@tokenledger/domain';
import type { Channel, ControlDocument, VirtualKey } from './documents.ts';
import { keyHasher } from './key-hash.ts';
import type { SecretReader } from './secrets.ts';

const KEY_LENGTH_MIN = 20;

/** A virtual key with what follows from it. */
export interface ResolvedKey {
  readonly id: string;
  readonly revoked: boolean;
  /** What an event carries when the request adds nothing. */
  readonly attribution: Attribution;
  /** Attribution fields that the request's headers cannot change. */
  readonly fixed: ReadonlySet<keyof Attribution>;
  /** The tenant's projects: what a request may name. */
  readonly projects: ReadonlySet<string>;
}

export interface ResolvedChannel {
  readonly id: string;
  readonly provider: string;
  readonly baseUrl: string;
  readonly region: string;
  readonly injectUsage: boolean;
  readonly credential: string;
}

/** An immutable snapshot. */
export interface ControlState {
  /** Constant in time with respect to the keys that exist. */
  findKey(text: string): ResolvedKey | undefined;
  /** The channel that serves a surface; undefined when none does. */
  channelFor(surface: string): ResolvedChannel | undefined;
  readonly channels: readonly ResolvedChannel[];
  readonly keyCount: number;
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

/** Resolves documents into a state. Throws `DOCUMENT_DUPLICATE`, `REFERENCE_MISSING`, `SECRET_MISSING`, `SECRET_WEAK`. */
export function resolveControl(documents: readonly ControlDocument[], sources: ControlSources): ControlState {
  assertUnique(documents);
  assertReferences(documents);
  const hasher = keyHasher(sources.keyHashSecret);
  const keys = new Map<string, ResolvedKey>();
  for (const document of documents) {
    if (document.kind !== 'virtual_key') continue;
    const text = sources.readSecret(document.secret);
    if (text.length < KEY_LENGTH_MIN) {
      throw new AppError('SECRET_WEAK', `virtual key '${document.id}' has ${text.length} characters: use at least ${KEY_LENGTH_MIN}`);
    }
    const hash = hasher.hash(text);
    if (keys.has(hash))
      throw new AppError(
        'DOCUMENT_DUPLICATE',
        `virtual key '${document.id}' has the same secret as '${keys.get(hash)?.id}': give each key its own`,
      );
    keys.set(hash, resolveKey(document, documents));
  }
  const channels: ResolvedChannel[] = [];
  const bySurface = new Map<string, ResolvedChannel>();
  for (const document of documents) {
    if (document.kind !== 'channel') continue;
    const channel = resolveChannel(document, sources.readSecret);
    channels.push(channel);
    for (const surface of document.surfaces) if (!bySurface.has(surface)) bySurface.set(surface, channel);
  }
  return {
    findKey: (text) => keys.get(hasher.hash(text)),
    channelFor: (surface) => bySurface.get(surface),
    channels,
    keyCount: keys.size,
  };
}

/** A view that never changes. */
export function fixedControl(state: ControlState): ControlView {
  return { current: () => state };
}

function resolveChannel(document: Channel, readSecret: SecretReader): ResolvedChannel {
  return {
    id: document.id,
    provider: document.provider,
    baseUrl: document.base_url.replace(/\/+$/, ''),
    region: document.region,
    injectUsage: document.inject_usage,
    credential: readSecret(document.credential),
  };
}

function resolveKey(document: VirtualKey, documents: readonly ControlDocument[]): ResolvedKey {
  const owner = documents.find((other) => other.kind === 'owner' && other.id === document.owner);
  const fixed = document.fixed;
  const attribution: Attribution = {
    tenantId: document.tenant,
    projectId: document.project ?? '',
    ownerId: document.owner,
    team: owner?.kind === 'owner' ? owner.team : '',
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
    labels: Object.freeze({}),
    settlementKind: document.settlement?.kind ?? '',
    settlementId: document.settlement?.id ?? '',
  };
  const projects = new Set(
    documents.filter((other) => other.kind === 'project' && other.tenant === document.tenant).map((project) => project.id),
  );
  return { id: document.id, revoked: document.revoked, attribution: Object.freeze(attribution), fixed: fixedFields(document), projects };
}

function fixedFields(document: VirtualKey): ReadonlySet<keyof Attribution> {
  const names: Record<keyof VirtualKey['fixed'], keyof Attribution> = {
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

function assertUnique(documents: readonly ControlDocument[]): void {
  const seen = new Set<string>();
  for (const { kind, id } of documents) {
    if (seen.has(`${kind}/${id}`)) throw new AppError('DOCUMENT_DUPLICATE', `${kind} '${id}' is there twice: rename or remove one`);
    seen.add(`${kind}/${id}`);
  }
}

function assertReferences(documents: readonly ControlDocument[]): void {
  const byName = new Map(documents.map((document) => [`${document.kind}/${document.id}`, document]));
  const need = (from: ControlDocument, kind: ControlDocument['kind'], id: string, tenant?: string): void => {
    const found = byName.get(`${kind}/${id}`);
    if (found === undefined)
      throw new AppError(
        'REFERENCE_MISSING',
        `${from.kind} '${from.id}' names ${kind} '${id}', which does not exist: add it or correct the name`,
      );
    if (tenant !== undefined && 'tenant' in found && found.tenant !== tenant) {
      throw new AppError(
        'REFERENCE_MISSING',
        `${from.kind} '${from.id}' of tenant '${tenant}' names ${kind} '${id}' of tenant '${found.tenant}': use one of its own tenant`,
      );
    }
  };
  for (const document of documents) {
    if (document.kind === 'project' || document.kind === 'owner') need(document, 'tenant', document.tenant);
    if (document.kind === 'virtual_key') {
      need(document, 'tenant', document.tenant);
      if (document.project !== undefined) need(document, 'project', document.project, document.tenant);
      need(document, 'owner', document.owner, document.tenant);
    }
  }
}
