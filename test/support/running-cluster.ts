/** The product as a deployment runs it: every role a process of its own, two of each that scales, on Kafka and one ClickHouse, behind a load balancer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClickHouse, openClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { type Balancer, startBalancer } from './balancer.ts';
import type { Child, ChildExit } from './child.ts';
import { runCli, startCli } from './cli.ts';
import { type ControlledLedger, ledgerConfig, ledgerKeys, type RunningLedgerOptions, waitForRows } from './running-ledger.ts';
import { makeTempDir } from './temp-dir.ts';

export type ClusterRole = 'registry' | 'writer' | 'pricer' | 'ingress';

export interface RunningClusterOptions extends RunningLedgerOptions {
  /** `host:port`, with commas between. */
  readonly brokers: string;
  /** Of topics and groups: nobody else's. */
  readonly prefix: string;
  readonly partitions?: number;
  /** Processes of each role; two of each that scales unless given. */
  readonly counts?: Partial<Readonly<Record<ClusterRole, number>>>;
  /** More variables for every process. */
  readonly env?: Readonly<Record<string, string>>;
  /** More variables for one process, by its name. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** A ClickHouse that is started and ended by others: what processes are told of it, and where tests ask. One of its own unless given. */
  readonly clickhouse?: { readonly url: string; readonly askUrl: string };
}

/** One role in a process of its own, which can be started anew. */
export interface RoleProcess {
  /** E.g. `pricer-2`. */
  readonly name: string;
  readonly role: ClusterRole;
  /** The one that runs, or ran last. */
  readonly child: Child;
  /** Undefined while it does not run. */
  readonly urls: { readonly admin: string; readonly ingress?: string; readonly registry?: string } | undefined;
  /** Resolves once it is ready. */
  start(): Promise<void>;
  /** SIGTERM, then its end. */
  stop(): Promise<ChildExit>;
  /** SIGKILL, then its end. Does nothing when it does not run. */
  kill(): Promise<void>;
}

export interface RunningCluster extends ControlledLedger {
  readonly processes: readonly RoleProcess[];
  readonly balancer: Balancer;
  of(role: ClusterRole): readonly RoleProcess[];
}

/** In the order in which they start. */
const PROCESSES: readonly (readonly [role: ClusterRole, usual: number])[] = [
  ['registry', 1],
  ['writer', 2],
  ['pricer', 2],
  ['ingress', 2],
];
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;

export async function runCluster(options: RunningClusterOptions): Promise<RunningCluster> {
  const resources = new AsyncDisposableStack();
  try {
    return await startAll(options, resources);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function startAll(options: RunningClusterOptions, resources: AsyncDisposableStack): Promise<RunningCluster> {
  const folder = resources.use(await makeTempDir('cluster'));
  const config = join(folder.path, 'tokenledger.yaml');
  writeFileSync(config, clusterConfig(options));
  const database = options.clickhouse ?? (await ownClickHouse(folder.path, resources));
  const clickhouse: ClickHouse = openClickHouse({ url: database.askUrl });
  resources.defer(() => clickhouse.close());

  const env = {
    KAFKA_BROKERS: options.brokers,
    CLICKHOUSE_URL: database.url,
    TOKENLEDGER_LOG_TOPIC_PREFIX: options.prefix,
    TOKENLEDGER_LOG_PARTITIONS: String(options.partitions ?? 4),
    ...ledgerKeys(options.keys),
    E2E_CREDENTIAL: 'sk-e2e-upstream-credential',
    E2E_HASH_SECRET: 'the-same-hash-secret-in-every-process',
    E2E_ADMIN_TOKEN: 'e2e-admin-token-0123456789abcdef',
    ...options.env,
  };
  let processes: readonly RoleProcess[] = [];
  const registryUrl = (): string => processes.find(({ role }) => role === 'registry')?.urls?.registry ?? '';
  const cli: RunningCluster['cli'] = (...args) =>
    runCli([...args, '--config', config, '--data', join(folder.path, 'command')], {
      cwd: folder.path,
      env: { ...env, TOKENLEDGER_ADMIN_TOKEN: env.E2E_ADMIN_TOKEN, TOKENLEDGER_REGISTRY_URL: registryUrl() },
    });
  const migrated = await cli('migrate');
  if (migrated.code !== 0) throw new Error(`migrate ended with ${migrated.code}: ${migrated.stderr}`);

  processes = PROCESSES.flatMap(([role, usual]) =>
    Array.from({ length: options.counts?.[role] ?? usual }, (_, index) =>
      roleProcess(
        role,
        `${role}-${index + 1}`,
        (data) =>
          startCli(['run', '--roles', role, '--config', config, '--data', data, '--admin-port', '0', ...portOf(role)], {
            cwd: folder.path,
            env: { ...env, ...options.envOf?.(`${role}-${index + 1}`) },
          }),
        folder.path,
      ),
    ),
  );
  // One that was being started is not among those that run.
  resources.defer(async () => void (await Promise.all(processes.map((one) => one.kill()))));
  resources.defer(() => stopAll(processes));
  for (const [role] of PROCESSES) await Promise.all(processes.filter((one) => one.role === role).map((one) => one.start()));
  const balancer = resources.use(await startBalancer(processes.filter(({ role }) => role === 'ingress').map(backendOf)));

  return {
    url: balancer.url,
    ingresses: processes.flatMap(({ urls }) => urls?.ingress ?? []),
    clickhouse,
    processes,
    balancer,
    cli,
    of: (role) => processes.filter((one) => one.role === role),
    rows: (count, timeoutMs) => waitForRows(clickhouse, count, timeoutMs, () => processes.map(({ child }) => lastLines(child)).join('\n')),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function roleProcess(role: ClusterRole, name: string, launch: (data: string) => Child, folder: string): RoleProcess {
  const data = join(folder, name);
  let child: Child | undefined;
  let urls: RoleProcess['urls'];
  const current = (): Child => {
    if (child === undefined) throw new Error(`${name} was never started`);
    return child;
  };
  return {
    name,
    role,
    get child() {
      return current();
    },
    get urls() {
      return urls;
    },
    async start() {
      child = launch(data);
      await child.waitForOutput(/"msg":"ready"/, READY_TIMEOUT_MS);
      ({ urls } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as { urls: RoleProcess['urls'] });
    },
    async stop() {
      const stopping = current();
      try {
        return await stopping.stop('SIGTERM', STOP_TIMEOUT_MS);
      } finally {
        urls = undefined;
        await stopping[Symbol.asyncDispose]();
      }
    },
    async kill() {
      urls = undefined;
      await child?.[Symbol.asyncDispose]();
    },
  };
}

async function ownClickHouse(folder: string, resources: AsyncDisposableStack): Promise<NonNullable<RunningClusterOptions['clickhouse']>> {
  const server = await startEmbeddedClickHouse({ directory: join(folder, 'clickhouse'), host: '127.0.0.1', port: 0 });
  resources.defer(() => server.stop(STOP_TIMEOUT_MS));
  return { url: server.url, askUrl: server.url };
}

function backendOf(process: RoleProcess) {
  return {
    name: process.name,
    target: () => {
      const { urls } = process;
      return urls?.ingress === undefined ? undefined : { url: urls.ingress, readyUrl: `${urls.admin}/readyz` };
    },
  };
}

/** Those who send first, so that those who read can finish. */
async function stopAll(processes: readonly RoleProcess[]): Promise<void> {
  for (const [role] of PROCESSES.toReversed()) {
    const running = processes.filter((one) => one.role === role && one.urls !== undefined);
    await Promise.all(running.map((one) => one.stop()));
  }
}

function portOf(role: ClusterRole): readonly string[] {
  return role === 'ingress' ? ['--ingress-port', '0'] : [];
}

function lastLines(child: Child): string {
  return child.stderr().split('\n').slice(-5).join('\n');
}

function clusterConfig(options: RunningClusterOptions): string {
  const own = `control: { key_hash_secret: 'env:E2E_HASH_SECRET', fingerprint_secret: 'env:E2E_HASH_SECRET' }
registry: { port: 0, tokens: [{ name: e2e, token: 'env:E2E_ADMIN_TOKEN', scopes: [read, write, keys] }] }
`;
  return ledgerConfig({ ...options, config: `${own}${options.config ?? ''}` });
}
