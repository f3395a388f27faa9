/** The whole program as a process of its own (`tokenledger up` without the demo) in front of a given upstream, and its ClickHouse to ask. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClickHouse, openClickHouse } from '@tokenledger/clickhouse';
import type { Child } from './child.ts';
import { type CliResult, runCli, startCli } from './cli.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export const LEDGER_KEY = 'tl-e2e-0123456789abcdefghijklmnopqrst';

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

/** What a test of the whole product needs, however many processes it runs in. */
export interface LedgerUnderTest extends AsyncDisposable {
  /** Where requests go. */
  readonly url: string;
  readonly clickhouse: ClickHouse;
  /** Waits until `usage_events` holds `count` rows; fails when it holds more. */
  rows(count: number, timeoutMs: number): Promise<void>;
}

/** Starts the product in front of an upstream. */
export type StartLedger = (options: RunningLedgerOptions) => Promise<LedgerUnderTest>;

/** A ledger whose documents a test changes. */
export interface ControlledLedger extends LedgerUnderTest {
  /** Each ingress by its own address. */
  readonly ingresses: readonly string[];
  /** Runs a command of the program against its registry. */
  cli(...args: readonly string[]): Promise<CliResult>;
}

export interface RunningLedger extends ControlledLedger {
  readonly process: Child;
  /** Where it keeps everything: its config file, and its data below. */
  readonly folder: string;
  /** Its metrics and health. */
  readonly adminUrl: string;
}

export interface RunningLedgerOptions {
  readonly upstreamUrl: string;
  /** More lines for the config file, in YAML. */
  readonly config?: string;
  /** Virtual keys, one unless given: the events of each share a partition. Their secrets are `LEDGER_KEY`, `LEDGER_KEY-2` and so on. */
  readonly keys?: number;
  /** Channels, each a flow mapping of YAML whose credential is `env:E2E_CREDENTIAL`; one for OpenAI's and one for Anthropic's surface unless given. */
  readonly channels?: readonly string[];
  /** Routes, each a flow mapping of YAML; none unless given. */
  readonly routes?: readonly string[];
  /** What `env:E2E_CREDENTIAL` stands for. */
  readonly credential?: string;
  /** More variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function runLedger(options: RunningLedgerOptions): Promise<RunningLedger> {
  const folder = await makeTempDir('ledger');
  const data = join(folder.path, 'data');
  const config = join(folder.path, 'tokenledger.yaml');
  writeFileSync(config, ledgerConfig(options));
  const ports = ['--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0', '--registry-port', '0'];
  const child = startCli(['up', '--no-demo', '--config', config, '--data', data, ...ports], {
    cwd: folder.path,
    env: { ...ledgerKeys(options.keys), E2E_CREDENTIAL: options.credential ?? 'sk-e2e-upstream-credential', ...options.env },
  });
  await child.waitForOutput(/Ctrl-C stops/, READY_TIMEOUT_MS);
  const { urls } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as {
    urls: { ingress: string; clickhouse: string; admin: string };
  };
  const clickhouse = openClickHouse({ url: urls.clickhouse });

  return {
    url: urls.ingress,
    process: child,
    folder: folder.path,
    adminUrl: urls.admin,
    ingresses: [urls.ingress],
    cli: (...args) => runCli([...args, '--data', data], { cwd: folder.path }),
    clickhouse,
    rows: (count, timeoutMs) => waitForRows(clickhouse, count, timeoutMs, () => child.stderr()),
    async [Symbol.asyncDispose]() {
      await clickhouse.close();
      await child.stop('SIGTERM', STOP_TIMEOUT_MS);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** `onFailure` adds to the message what may explain it. */
export async function waitForRows(clickhouse: ClickHouse, expected: number, timeoutMs: number, onFailure: () => string): Promise<void> {
  let seen = 0;
  const count = async (): Promise<number> =>
    Number((await clickhouse.query<{ rows: string }>('SELECT count() AS rows FROM usage_events'))[0]?.rows);
  await waitFor(async () => (seen = await count()) >= expected, {
    timeoutMs,
    intervalMs: 100,
    describe: () => `${expected} rows; there are ${seen}. ${onFailure()}`,
  });
  if (seen > expected) throw new Error(`${seen} rows instead of ${expected}`);
}

/** Secrets of the virtual keys, by the variable that the config file names. */
export function ledgerKeys(count = 1): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) =>
      index === 0 ? ['E2E_KEY', LEDGER_KEY] : [`E2E_KEY_${index + 1}`, `${LEDGER_KEY}-${index + 1}`],
    ),
  );
}

/** One tenant with its keys, and a channel for each surface. */
export function ledgerConfig({
  upstreamUrl,
  config = '',
  keys,
  channels = usualChannels(upstreamUrl),
  routes = [],
}: RunningLedgerOptions): string {
  const virtualKeys = Object.keys(ledgerKeys(keys)).map(
    (name, index) => `{ id: ${index === 0 ? 'e2e' : `e2e-${index + 1}`}, tenant: acme, project: chat, owner: ada, secret: 'env:${name}' }`,
  );
  return `${config}
documents:
  tenants: [{ id: acme, name: Acme }]
  projects: [{ id: chat, tenant: acme, name: Chat }]
  owners: [{ id: ada, tenant: acme, name: Ada, team: search }]
  virtual_keys: [${virtualKeys.join(', ')}]
  channels:
${channels.map((channel) => `    - ${channel}\n`).join('')}  routes: [${routes.join(', ')}]
`;
}

function usualChannels(upstreamUrl: string): readonly string[] {
  return [
    `{ id: openai, provider: openai, surfaces: [openai.chat], base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL' }`,
    `{ id: anthropic, provider: anthropic, surfaces: [anthropic.messages], base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL' }`,
  ];
}
