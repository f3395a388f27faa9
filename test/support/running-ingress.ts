/** The ingress role on an embedded log of its own, with documents on its control topic (one key and one channel per surface), and the events it published. */
import { join } from 'node:path';
import { type DocumentSet, documentSet, documentsOf, documentsSection } from '@tokenledger/control';
import type { UsageEvent } from '@tokenledger/domain';
import { type EventLog, openEmbeddedLog, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createIngress, type IngressConfig, ingressConfig, type IngressOptions } from '@tokenledger/ingress';
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { decodeUsageEvent } from '@tokenledger/schemas';
import { asControlDocuments, type ControlTopic, controlTopic } from './control-topic.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export const TEST_KEY = 'tl-test-0123456789abcdefghijklmnop';
export const REVOKED_KEY = 'tl-revoked-0123456789abcdefghijklm';
export const UPSTREAM_CREDENTIAL = 'sk-upstream-credential-0123456789';

export const TEST_HASH_SECRET = Buffer.alloc(32, 1);
const PARTITIONS = 2;

export interface RunningIngress extends AsyncDisposable {
  readonly url: string;
  readonly log: EventLog;
  /** What the ingress follows; it begins with the documents below. */
  readonly control: ControlTopic;
  /** What the control topic began with. */
  readonly documents: DocumentSet;
  readonly registry: IngressOptions['metrics'];
  stop(deadlineMs?: number): Promise<{ readonly left: string }>;
  state(): { readonly status: string; readonly detail: string };
  /** Waits until the log holds `count` events and gives them in order of acceptance; fails when there are more. */
  events(count: number): Promise<readonly UsageEvent[]>;
  /** Everything the log holds of usage events, as bytes. */
  bytes(): Promise<Buffer>;
}

export interface RunningIngressOptions {
  readonly upstreamUrl: string;
  readonly config?: Partial<IngressConfig>;
  readonly injectUsage?: boolean;
  /** What the documents of the channels say besides. */
  readonly channel?: Readonly<Record<string, unknown>>;
  /** What the document of the key says besides. */
  readonly key?: Readonly<Record<string, unknown>>;
  /** More channels beside `openai` and `anthropic`, each with at least an id and a provider. */
  readonly channels?: readonly Readonly<Record<string, unknown>>[];
  /** As they stand in a config file. */
  readonly routes?: readonly Readonly<Record<string, unknown>>[];
  readonly journal?: IngressOptions['journal'];
  readonly tracing?: IngressOptions['tracing'];
  readonly catalogue?: IngressOptions['catalogue'];
  /** More secrets, by reference; may change while it runs. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Wraps the log the ingress gets. */
  readonly wrapLog?: (log: EventLog) => EventLog;
}

export async function runIngress(options: RunningIngressOptions): Promise<RunningIngress> {
  const directory = await makeTempDir('ingress');
  const log = openEmbeddedLog({ directory: directory.path });
  const topics = topicNames('tokenledger.');
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, retentionMs: 3_600_000 }));
  const control = await controlTopic(log, topics.control, TEST_HASH_SECRET);
  const documents = asControlDocuments(testDocuments(options), { readSecret: testSecret, keyHashSecret: TEST_HASH_SECRET });
  await control.put(...documents);
  const registry = createRegistry({ processMetrics: false });
  const ingress = createIngress({
    // Counting starts threads that load vocabularies: for the tests that are about it.
    config: ingressConfig.parse({ port: 0, counting_threads: 0, ...options.config }),
    log: options.wrapLog?.(log) ?? log,
    topics,
    readSecret: (reference) => options.secrets?.[reference] ?? testSecret(reference),
    keyHashSecrets: { current: TEST_HASH_SECRET },
    fingerprintSecret: TEST_HASH_SECRET,
    journalDirectory: join(directory.path, 'journal'),
    logger: silentLogger(),
    metrics: registry,
    ...(options.journal === undefined ? {} : { journal: options.journal }),
    ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
    ...(options.catalogue === undefined ? {} : { catalogue: options.catalogue }),
  });
  await ingress.start();
  let stopped: Promise<{ readonly left: string }> | undefined;
  const stop = (deadlineMs = 5000): Promise<{ readonly left: string }> => (stopped ??= ingress.stop(deadlineMs));

  async function values(): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const reader = await log.reader({ topic: topics.usageEvents, partition, from: 'start' });
      const { end } = await reader.range();
      for (let offset = 0; offset < end;) {
        const records = await reader.poll({ recordsMax: 1000, bytesMax: 64 * 1024 * 1024, waitMs: 0 });
        for (const record of records) if (record.value !== null) found.push(record.value);
        offset = (records.at(-1)?.offset ?? end) + 1;
      }
      await reader.close();
    }
    return found;
  }

  return {
    url: ingress.url,
    log,
    control,
    documents: documentSet(documents),
    registry,
    stop,
    state: () => ingress.state(),
    async events(count) {
      let found: readonly Uint8Array[] = [];
      await waitFor(async () => (found = await values()).length >= count, {
        timeoutMs: 10_000,
        describe: () => `${count} events; there are ${found.length}`,
      });
      if (found.length > count) throw new Error(`${found.length} events instead of ${count}`);
      const events = found.map((value) => decodeUsageEvent(value));
      return events.map((event) => event as UsageEvent).toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1));
    },
    async bytes() {
      return Buffer.concat(await values());
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await log.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function testSecret(reference: string): string {
  const secrets: Readonly<Record<string, string>> = {
    'env:KEY': TEST_KEY,
    'env:REVOKED': REVOKED_KEY,
    'env:UPSTREAM': UPSTREAM_CREDENTIAL,
  };
  const secret = secrets[reference];
  if (secret === undefined) throw new Error(`no secret ${reference}`);
  return secret;
}

function testDocuments(options: RunningIngressOptions) {
  const channel = {
    base_url: options.upstreamUrl,
    credential: 'env:UPSTREAM',
    inject_usage: options.injectUsage ?? true,
    ...options.channel,
  };
  const key = { tenant: 'acme', owner: 'ada' };
  return documentsOf(
    documentsSection.parse({
      tenants: [{ id: 'acme', name: 'Acme' }],
      projects: [{ id: 'chat', tenant: 'acme', name: 'Chat' }],
      owners: [{ id: 'ada', tenant: 'acme', name: 'Ada', team: 'search' }],
      virtual_keys: [
        { id: 'test', secret: 'env:KEY', fixed: { environment: 'production' }, ...key, ...options.key },
        { id: 'old', secret: 'env:REVOKED', revoked: true, ...key },
      ],
      channels: [
        { id: 'openai', provider: 'openai', surfaces: ['openai.chat'], region: 'eu', ...channel },
        { id: 'anthropic', provider: 'anthropic', surfaces: ['anthropic.messages'], ...channel },
        ...(options.channels ?? []).map((more) => ({ ...channel, ...more })),
      ],
      routes: options.routes ?? [],
    }),
  );
}
