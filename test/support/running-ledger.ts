/** The whole program as a process of its own (`tokenledger up` without the demo) in front of a given upstream, and its ClickHouse to ask. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClickHouse, openClickHouse } from '@tokenledger/clickhouse';
import type { Child } from './child.ts';
import { startCli } from './cli.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export const LEDGER_KEY = 'tl-e2e-0123456789abcdefghijklmnopqrst';

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

export interface RunningLedger extends AsyncDisposable {
  readonly url: string;
  readonly process: Child;
  readonly clickhouse: ClickHouse;
  /** Waits until `usage_events` holds `count` rows; fails when it holds more. */
  rows(count: number, timeoutMs: number): Promise<void>;
}

export interface RunningLedgerOptions {
  readonly upstreamUrl: string;
  /** More lines for the config file, in YAML. */
  readonly config?: string;
}

export async function runLedger(options: RunningLedgerOptions): Promise<RunningLedger> {
  const folder = await makeTempDir('ledger');
  const data = join(folder.path, 'data');
  const config = join(folder.path, 'tokenledger.yaml');
  writeFileSync(config, configOf(options));
  const ports = ['--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0'];
  const child = startCli(['up', '--no-demo', '--config', config, '--data', data, ...ports], {
    cwd: folder.path,
    env: { E2E_KEY: LEDGER_KEY, E2E_CREDENTIAL: 'sk-e2e-upstream-credential' },
  });
  await child.waitForOutput(/Ctrl-C stops/, READY_TIMEOUT_MS);
  const { urls } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as { urls: { ingress: string; clickhouse: string } };
  const clickhouse = openClickHouse({ url: urls.clickhouse });

  async function count(): Promise<number> {
    return Number((await clickhouse.query<{ rows: string }>('SELECT count() AS rows FROM usage_events'))[0]?.rows);
  }

  return {
    url: urls.ingress,
    process: child,
    clickhouse,
    async rows(expected, timeoutMs) {
      let seen = 0;
      await waitFor(async () => (seen = await count()) >= expected, {
        timeoutMs,
        intervalMs: 100,
        describe: () => `${expected} rows; there are ${seen}. ${child.stderr()}`,
      });
      if (seen > expected) throw new Error(`${seen} rows instead of ${expected}`);
    },
    async [Symbol.asyncDispose]() {
      await clickhouse.close();
      await child.stop('SIGTERM', STOP_TIMEOUT_MS);
      await folder[Symbol.asyncDispose]();
    },
  };
}

function configOf({ upstreamUrl, config = '' }: RunningLedgerOptions): string {
  return `${config}
documents:
  tenants: [{ id: acme, name: Acme }]
  projects: [{ id: chat, tenant: acme, name: Chat }]
  owners: [{ id: ada, tenant: acme, name: Ada, team: search }]
  virtual_keys: [{ id: e2e, tenant: acme, project: chat, owner: ada, secret: 'env:E2E_KEY' }]
  channels:
    - { id: openai, provider: openai, surfaces: [openai.chat], base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL' }
    - { id: anthropic, provider: anthropic, surfaces: [anthropic.messages], base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL' }
`;
}
