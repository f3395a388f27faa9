/** The registry role by HTTP, on an embedded log of its own or on one that is handed in. */
import { type ConfigDocument, documentsOf, documentsSection, type KeyHashSecrets } from '@tokenledger/control';
import { type EventLog, openEmbeddedLog, type Pacing, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createRegistryRole, registryConfig, type RegistryConfig, type RegistryRole } from '@tokenledger/registry';
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { type TempDir, makeTempDir } from './temp-dir.ts';

const ADMIN_TOKEN = 'tla-admin-0123456789abcdefghij';
export const READ_TOKEN = 'tla-reader-0123456789abcdefghij';
export const WRITE_TOKEN = 'tla-writer-0123456789abcdefghij';
export const HASH_SECRET = Buffer.alloc(32, 7);

const SECRETS: Readonly<Record<string, string>> = { 'env:ADMIN': ADMIN_TOKEN, 'env:READ': READ_TOKEN, 'env:WRITE': WRITE_TOKEN };

const PREFIX = 'test.';

export interface RunningRegistryOptions {
  /** Default: an embedded one that goes with the registry. */
  readonly log?: EventLog;
  /** Of its topics; default `test.`. */
  readonly topicPrefix?: string;
  readonly documents?: Parameters<typeof documentsSection.parse>[0];
  readonly secrets?: Readonly<Record<string, string>>;
  readonly keyHashSecrets?: KeyHashSecrets;
  readonly config?: Partial<RegistryConfig>;
  readonly instance?: string;
  readonly now?: () => number;
  readonly pacing?: Pacing;
}

export interface Reply {
  readonly status: number;
  // What the API answered: each test looks for what it is about.
  readonly json: { readonly [name: string]: unknown };
  readonly headers: Headers;
}

export interface RunningRegistry extends AsyncDisposable {
  readonly role: RegistryRole;
  readonly log: EventLog;
  readonly controlTopic: string;
  call(method: string, path: string, body?: unknown, token?: string): Promise<Reply>;
  metrics(): Promise<string>;
}

/** Starts it, and the log with its topics where none is handed in. */
export async function runRegistry(options: RunningRegistryOptions = {}): Promise<RunningRegistry> {
  const directory: TempDir | undefined = options.log === undefined ? await makeTempDir('registry') : undefined;
  const topics = topicNames(options.topicPrefix ?? PREFIX);
  const log = options.log ?? openEmbeddedLog({ directory: directory?.path ?? '' });
  if (options.log === undefined) await createTestTopics(log);
  const metrics = createRegistry({ processMetrics: false });
  const role = createRegistryRole({
    config: registryConfig.parse({
      port: 0,
      tokens: [
        { name: 'admin', token: 'env:ADMIN', scopes: ['read', 'write', 'keys'] },
        { name: 'reader', token: 'env:READ', scopes: ['read'] },
        { name: 'writer', token: 'env:WRITE', scopes: ['read', 'write'] },
      ],
      ...options.config,
    }),
    log,
    topics,
    documents: configDocuments(options.documents),
    readSecret: (reference) => ({ ...SECRETS, ...options.secrets })[reference] ?? '',
    keyHashSecrets: options.keyHashSecrets ?? { current: HASH_SECRET },
    logger: silentLogger(),
    metrics,
    version: '0.0.0',
    instance: options.instance ?? 'registry-a',
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.pacing === undefined ? {} : { pacing: options.pacing }),
  });
  const close = async (): Promise<void> => {
    await role.stop(5_000);
    if (options.log === undefined) await log.close();
    await directory?.[Symbol.asyncDispose]();
  };
  try {
    await role.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    role,
    log,
    controlTopic: topics.control,
    call: (method, path, body, token = ADMIN_TOKEN) => call(`${role.url}${path}`, method, body, token),
    metrics: () => metrics.metrics(),
    [Symbol.asyncDispose]: close,
  };
}

export async function createTestTopics(log: EventLog, topicPrefix: string = PREFIX): Promise<void> {
  await log.createTopics(topicSpecs(topicNames(topicPrefix), { partitions: 1, retentionMs: 3_600_000 }));
}

function configDocuments(section: RunningRegistryOptions['documents']): readonly ConfigDocument[] {
  return documentsOf(documentsSection.parse(section ?? {}));
}

async function call(url: string, method: string, body: unknown, token: string): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Reply['json'], headers: response.headers };
}
