/** The wiring: which parts a process has, in the order in which they start. `up` and `run` differ only in what they ask for. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { SCOPES } from '@tokenledger/control';
import { startEmbeddedClickHouse, type ClickHouse, type EmbeddedClickHouse, type EmbeddedState } from '@tokenledger/clickhouse';
import { AppError, invariant } from '@tokenledger/domain';
import { topicNames, type EventLog } from '@tokenledger/event-log';
import { createIngress } from '@tokenledger/ingress';
import { createPricer } from '@tokenledger/pricer';
import { startProviderSimulator, type ProviderSimulator } from '@tokenledger/provider-simulator';
import { createAdminServer, createRegistry, part, type Logger, type Part, type Role, type RunNote } from '@tokenledger/runtime';
import type { PriceBook } from '@tokenledger/pricing';
import { createRegistryRole } from '@tokenledger/registry';
import { createWriter } from '@tokenledger/writer';
import { catalogueAt } from './catalogue-file.ts';
import { applyMigrations, clickhouseAt, clickhouseNodes, requireMigrated } from './clickhouse-tables.ts';
import { loadControl, type LoadedControl } from './control-view.ts';
import { simulatedSurfaces, type DemoPlan } from './demo/documents.ts';
import { demoTraffic } from './demo/traffic.ts';
import { logPart, type TopicDuty } from './event-log.ts';
import { lateRole } from './late-role.ts';
import { adminToken, adminTokenFile } from './ledger-secrets.ts';
import { SHIPPED } from './price-files.ts';
import { readPriceBook } from './price-book.ts';
import { postedVolumes } from './rerate/volumes.ts';
import type { Settings } from './settings.ts';
import { tracingOf } from './tracing.ts';
import { VERSION } from './version.ts';

/** In the order in which they start: whoever takes records is there before whoever sends them. */
export const ROLE_NAMES = ['writer', 'pricer', 'registry', 'ingress'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

export interface ComposeOptions {
  readonly settings: Settings;
  readonly roles: readonly RoleName[];
  readonly logger: Logger;
  /** Undefined without the demo. */
  readonly demo: DemoPlan | undefined;
  /** `embedded_or_configured`: our own is started where `clickhouse.url` is empty, and the tables are brought up to date. `configured`: they must be already. */
  readonly clickhouse: 'embedded_or_configured' | 'configured' | 'none';
  /** The registry also takes the token that is made for the data directory. */
  readonly localAdmin: boolean;
  /** For topics in Kafka. */
  readonly topicDuty: TopicDuty;
}

export interface StorageOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly tables: boolean;
  readonly topics: boolean;
}

/** ClickHouse with its tables, the log with its topics, or either, for `migrate`. */
export function composeStorage({ settings, logger, tables, topics }: StorageOptions): readonly Part[] {
  return [
    ...(tables ? clickhouseParts(settings, 'embedded_or_configured', {}, logger) : []),
    ...(topics ? [logPart({ settings, logger, topicDuty: 'create', onOpen: () => {} })] : []),
  ];
}

export interface Composition {
  readonly parts: readonly Part[];
  /** What is known so far. */
  urls(): RunNote['urls'];
  /** Only once the parts have started. */
  control(): LoadedControl;
}

/** Throws `CLICKHOUSE_URL_MISSING`. */
export function compose(options: ComposeOptions): Composition {
  const { settings, roles, logger, demo } = options;
  const { config } = settings;
  const topics = topicNames(config.log.topic_prefix);
  const registry = createRegistry({ processMetrics: true });
  const has = (name: RoleName): boolean => roles.includes(name);
  const running: Running = {};
  const tracing = has('ingress') ? tracingOf(settings, logger.child({ role: 'tracing' }), registry) : undefined;
  const common = (role: RoleName) => ({
    log: started(running.log, 'the event log'),
    topics,
    logger: logger.child({ role }),
    metrics: registry,
  });

  let book: PriceBook | undefined;
  /** Read once, whatever roles want it. */
  const priceBook = (): PriceBook => (book ??= readPriceBook(settings));

  const writer = lateRole('writer', () => {
    const clickhouse = started(running.clickhouse, 'ClickHouse');
    return createWriter({
      ...common('writer'),
      config: config.writer,
      clickhouse,
      priceBook: priceBook(),
      ...(running.nodes === undefined ? {} : { nodes: running.nodes }),
      ...(config.writer.post_volumes ? { volumes: postedVolumes({ ...common('writer'), clickhouse }) } : {}),
    });
  });
  const pricer = lateRole('pricer', () => createPricer({ ...common('pricer'), config: config.pricer, priceBook: priceBook() }));
  const registryRole = lateRole('registry', () => {
    const { documents, secrets, readSecret } = started(running.control, 'the documents');
    return createRegistryRole({
      ...common('registry'),
      config: options.localAdmin ? withLocalAdmin(settings) : config.registry,
      documents,
      readSecret,
      keyHashSecrets: secrets.keyHash,
      version: VERSION,
    });
  });
  const ingress = lateRole('ingress', () => {
    const { secrets, readSecret } = started(running.control, 'the documents');
    return createIngress({
      ...common('ingress'),
      config: config.ingress,
      readSecret,
      keyHashSecrets: secrets.keyHash,
      fingerprintSecret: secrets.fingerprint(),
      journalDirectory: settings.layout.journal,
      ...(tracing === undefined ? {} : { tracing }),
      catalogue: catalogueAt(SHIPPED),
    });
  });
  const roleParts: readonly Role[] = [writer, pricer, registryRole, ingress].filter((role) => roles.some((name) => name === role.name));

  const parts = [
    adminPart(settings, roleParts, registry, running),
    ...clickhouseParts(settings, options.clickhouse, running, logger.child({ role: 'clickhouse' })),
    logPart({ settings, logger: logger.child({ role: 'event log' }), topicDuty: options.topicDuty, onOpen: (log) => (running.log = log) }),
    ...(demo !== undefined && demo.simulated.size > 0 ? [simulatorPart(settings, running)] : []),
    ...(has('ingress') || has('registry') ? [documentsPart(settings, demo, running)] : []),
    ...(tracing === undefined ? [] : [tracing]),
    ...roleParts,
    ...(demo === undefined || !has('ingress') ? [] : [trafficPart(options, demo, running, () => ingress.made?.url ?? '')]),
  ];
  return {
    parts,
    urls: () => ({
      ...(ingress.made === undefined ? {} : { ingress: ingress.made.url }),
      ...(registryRole.made === undefined ? {} : { registry: registryRole.made.url }),
      ...(running.adminUrl === undefined ? {} : { admin: running.adminUrl }),
      ...(running.clickhouse === undefined ? {} : { clickhouse: running.clickhouse.url }),
    }),
    control: () => started(running.control, 'the documents'),
  };
}

/** What later parts take from earlier ones. */
interface Running {
  adminUrl?: string;
  embedded?: EmbeddedClickHouse;
  clickhouse?: ClickHouse;
  /** Of a cluster. */
  nodes?: readonly (readonly ClickHouse[])[];
  log?: EventLog;
  simulator?: ProviderSimulator;
  control?: LoadedControl;
}

function started<Value>(value: Value | undefined, what: string): Value {
  invariant(value !== undefined, `${what} starts before whoever needs it`);
  return value;
}

/** For commands on this machine, with every right. */
function withLocalAdmin({ config, layout }: Settings): Settings['config']['registry'] {
  adminToken(layout);
  const local = { name: 'local', token: `file:${adminTokenFile(layout)}`, scopes: [...SCOPES] };
  return { ...config.registry, tokens: [...config.registry.tokens, local] };
}

/** First, so that /readyz tells how far a start has come; last to go, for the same reason. */
function adminPart(settings: Settings, roles: readonly Role[], registry: ReturnType<typeof createRegistry>, running: Running): Part {
  const { host, port } = settings.config.admin;
  const server = createAdminServer({ host, port, roles, registry, version: VERSION });
  return part(
    'admin server',
    async () => {
      running.adminUrl = await server.start();
    },
    () => server.stop(),
  );
}

function clickhouseParts(settings: Settings, mode: ComposeOptions['clickhouse'], running: Running, logger: Logger): readonly Part[] {
  const { url, host, port } = settings.config.clickhouse;
  if (mode === 'none') return [];
  if (mode === 'configured' && url === '') {
    throw new AppError(
      'CLICKHOUSE_URL_MISSING',
      'clickhouse.url is empty, and the writer needs a ClickHouse: set it (CLICKHOUSE_URL), or use `tokenledger up`, which brings its own',
    );
  }
  const embedded = part(
    'ClickHouse',
    async () => {
      running.embedded = await startEmbeddedClickHouse({
        directory: settings.layout.clickhouse,
        host,
        port,
        log: (line) => logger.debug(line),
        onState: (state) => reportState(state, logger),
      });
    },
    async (deadlineMs) => running.embedded?.stop(deadlineMs),
  );
  const tables = part(
    mode === 'configured' ? 'ClickHouse connection' : 'migrations',
    async () => {
      running.clickhouse = clickhouseAt(url === '' ? started(running.embedded, 'ClickHouse').url : url, settings);
      const nodes = clickhouseNodes(settings);
      if (nodes !== undefined) running.nodes = nodes;
      if (mode === 'configured') await requireMigrated(running.clickhouse);
      else await applyMigrations(running.clickhouse, settings);
    },
    async () => {
      await running.clickhouse?.close();
      await Promise.all((running.nodes ?? []).flat().map((node) => node.close()));
    },
  );
  return url === '' ? [embedded, tables] : [tables];
}

/** A crash of the engine is no crash of ours: it is started again, and the writer goes on where it was. */
function reportState(state: EmbeddedState, logger: Logger): void {
  switch (state.kind) {
    case 'restarting':
      return logger.warn({ restarts: state.restarts }, `ClickHouse ended (${state.reason}) and is started again`);
    case 'failed':
      return logger.error(`ClickHouse ended too often (${state.reason}): rows wait in the event log until the next start`);
    case 'ready':
    case 'stopping':
    case 'stopped':
      return logger.debug(`ClickHouse is ${state.kind}`);
  }
}

function simulatorPart(settings: Settings, running: Running): Part {
  return part(
    'provider simulator',
    async () => {
      mkdirSync(dirname(settings.layout.simulatorBill), { recursive: true });
      running.simulator = await startProviderSimulator({ billFile: settings.layout.simulatorBill });
    },
    async () => running.simulator?.close(),
  );
}

function documentsPart(settings: Settings, demo: DemoPlan | undefined, running: Running): Part {
  return part(
    'documents',
    () => {
      running.control = loadControl(settings, demo, running.simulator?.url ?? '');
      return Promise.resolve();
    },
    () => Promise.resolve(),
  );
}

function trafficPart(options: ComposeOptions, demo: DemoPlan, running: Running, ingressUrl: () => string): Part {
  // The first key is the one people try things with: its rows are theirs alone.
  const [, ...trafficKeys] = demo.documents.virtual_keys;
  return demoTraffic({
    ingressUrl,
    keys: () => trafficKeys.map((key) => started(running.control, 'the documents').readSecret(key.secret)),
    surfaces: simulatedSurfaces(demo),
    requestsPerSecond: trafficKeys.length === 0 ? 0 : options.settings.config.demo.requests_per_s,
    logger: options.logger.child({ role: 'demo' }),
  });
}
