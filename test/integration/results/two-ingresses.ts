/** Two ingresses on one log, with pricer and writer behind them, in front of a scripted upstream: what one learns the other has to know, and what both read
 *  counts once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentsOf, documentsSection } from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { type EventLog, openEmbeddedLog, topicNames, topicSpecs } from '@tokenledger/event-log';
import { createIngress, type Ingress, type IngressConfig, ingressConfig } from '@tokenledger/ingress';
import { createPricer, pricerConfig } from '@tokenledger/pricer';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { createRegistry, type Registry, type Role, silentLogger } from '@tokenledger/runtime';
import { createWriter, writerConfig } from '@tokenledger/writer';
import { asControlDocuments, controlTopic } from '../../support/control-topic.ts';
import { type ScriptedUpstream, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Ledger, openLedger } from '../writer/ledger.ts';

export const KEYS = { submitter: 'tl-submitter-0123456789abcdefghij', reader: 'tl-reader-0123456789abcdefghijklm' } as const;
const PARTITIONS = 3;
const STOP_MS = 10_000;
const ROWS_TIMEOUT_MS = 20_000;
const HASH_SECRET = Buffer.alloc(32, 1);
/** Short waits, so that a test need not be long. */
const SHORT = { publish_linger_ms: 1, republish_interval_ms: 20, announce_interval_ms: 20 };

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);
const priceBook = book;

export interface TwoIngresses extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly ledger: Ledger;
  readonly log: EventLog;
  readonly ingresses: readonly [Ingress, Ingress];
  /** Sends a request to one of them; `key` defaults to the submitter's. */
  ask(
    ingress: 0 | 1,
    method: 'GET' | 'POST',
    path: string,
    options?: { readonly key?: string; readonly body?: unknown },
  ): Promise<Response>;
  /** Waits until `usage_events` holds so many rows, and all that is recorded has landed; fails when there are more. */
  rows(count: number): Promise<void>;
}

export async function twoIngresses(config: Partial<IngressConfig> = {}): Promise<TwoIngresses> {
  const resources = new AsyncDisposableStack();
  const folder = resources.use(await makeTempDir('results'));
  const ledger = resources.use(await openLedger());
  const upstream = resources.use(await scriptedUpstream((response) => void response.writeHead(404).end()));
  const log = resources.adopt(openEmbeddedLog({ directory: join(folder.path, 'log') }), (open) => open.close());
  const topics = topicNames('tokenledger.');
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, retentionMs: 3_600_000 }));
  const secrets: Readonly<Record<string, string>> = {
    'env:SUBMITTER': KEYS.submitter,
    'env:READER': KEYS.reader,
    'env:UPSTREAM': 'sk-upstream',
  };
  const readSecret = (reference: string): string => secrets[reference] ?? '';
  const control = await controlTopic(log, topics.control, HASH_SECRET);
  await control.put(...asControlDocuments(documents(upstream.url), { readSecret, keyHashSecret: HASH_SECRET }));

  const common = { log, topics, logger: silentLogger() };
  const metrics = () => createRegistry({ processMetrics: false });
  const start = async <One extends Role>(role: One): Promise<One> => {
    await role.start();
    resources.defer(async () => void (await role.stop(STOP_MS)));
    return role;
  };
  await start(
    createWriter({
      ...common,
      metrics: metrics(),
      config: writerConfig.parse({ flush_interval_ms: 10, landed_interval_ms: 20 }),
      clickhouse: ledger.clickhouse,
    }),
  );
  await start(createPricer({ ...common, metrics: metrics(), config: pricerConfig.parse({}), priceBook }));
  const registries: Registry[] = [];
  const ingress = (name: string): Promise<Ingress> => {
    const registry = metrics();
    registries.push(registry);
    return start(
      createIngress({
        ...common,
        metrics: registry,
        config: ingressConfig.parse({ port: 0, ...SHORT, ...config }),
        readSecret,
        keyHashSecrets: { current: HASH_SECRET },
        fingerprintSecret: HASH_SECRET,
        journalDirectory: join(folder.path, name),
      }),
    );
  };
  const ingresses = [await ingress('one'), await ingress('two')] as const;

  return {
    upstream,
    ledger,
    log,
    ingresses,
    ask: (which, method, path, { key = KEYS.submitter, body } = {}) =>
      fetch(ingresses[which].url + path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async rows(count) {
      let seen = 0;
      await waitFor(async () => (seen = Number(await ledger.value('SELECT count() FROM usage_events'))) >= count, {
        timeoutMs: ROWS_TIMEOUT_MS,
        describe: () => `${count} rows; there are ${seen}`,
      });
      // Nothing is on its way any more once the journals have let go of everything.
      await waitFor(async () => (await Promise.all(registries.map(hasLanded))).every(Boolean), {
        timeoutMs: ROWS_TIMEOUT_MS,
        describe: 'all to land',
      });
      seen = Number(await ledger.value('SELECT count() FROM usage_events'));
      if (seen !== count) throw new Error(`${seen} rows instead of ${count}`);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function hasLanded(registry: Registry): Promise<boolean> {
  return /^tokenledger_ingress_unlanded_events 0$/m.test(await registry.metrics());
}

function documents(upstreamUrl: string) {
  const key = { tenant: 'acme', owner: 'ada' };
  const channel = { base_url: upstreamUrl, credential: 'env:UPSTREAM' };
  return documentsOf(
    documentsSection.parse({
      tenants: [{ id: 'acme', name: 'Acme' }],
      projects: [{ id: 'chat', tenant: 'acme', name: 'Chat' }],
      owners: [{ id: 'ada', tenant: 'acme', name: 'Ada', team: 'search' }],
      virtual_keys: [
        { id: 'submitter', secret: 'env:SUBMITTER', ...key },
        { id: 'reader', secret: 'env:READER', ...key },
      ],
      channels: [
        { id: 'openai-main', provider: 'openai', ...channel },
        { id: 'anthropic-main', provider: 'anthropic', ...channel },
      ],
    }),
  );
}
