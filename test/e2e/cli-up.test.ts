// `tokenledger up` as a newcomer meets it: start, the printed lines, a clean stop, a second start on the same data, the demo forgotten.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Child } from '../support/child.ts';
import { runCli, startCli } from '../support/cli.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;
const ROW_TIMEOUT_MS = 10_000;
/** The first count waits for its vocabulary; on a busy machine the first ones go without. */
const COUNT_TIMEOUT_MS = 60_000;

let folder: TempDir;
let data: string;
let firstReadyMs = 0;
beforeAll(async () => {
  folder = await makeTempDir('up');
  data = join(folder.path, 'data');
});
afterAll(() => folder[Symbol.asyncDispose]());

interface Started {
  readonly child: Child;
  readonly readyMs: number;
  /** The line printed below a heading, ready for a shell. */
  command(heading: string): string;
  readonly adminUrl: string;
}

async function start(): Promise<Started> {
  const beganMs = performance.now();
  const child = startCli(
    ['up', '--data', data, '--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0', '--registry-port', '0'],
    {
      cwd: folder.path,
    },
  );
  await child.waitForOutput(/Ctrl-C stops\./, READY_TIMEOUT_MS);
  const readyMs = performance.now() - beganMs;
  const command = (heading: string): string => new RegExp(`${heading}[^\\n]*\\n\\n +(.+)`).exec(child.stdout())?.[1] ?? '';
  return { child, readyMs, command, adminUrl: /admin +(http\S+)/.exec(child.stdout())?.[1] ?? '' };
}

/** As a person would: pasted into a shell in the repository. */
function shell(line: string): { readonly status: number | null; readonly stdout: string } {
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return spawnSync('sh', ['-c', line], { cwd: repositoryRoot, encoding: 'utf8', env: { ...process.env, PATH: path } });
}

function cli(...args: readonly string[]) {
  return runCli([...args, '--data', data], { cwd: folder.path });
}

async function countRows(): Promise<number> {
  const result = await cli('sql', '--format', 'TSV', 'SELECT count() FROM usage_events');
  return Number(result.stdout);
}

describe('the first start', () => {
  let up: Started;
  beforeAll(async () => {
    up = await start();
    firstReadyMs = up.readyMs;
  });
  afterAll(() => up.child[Symbol.asyncDispose]());

  test('names each step once, then the URLs, a key, a request and a query', () => {
    const printed = up.child.stdout();
    for (const step of ['ClickHouse', 'migrations', 'event log', 'provider simulator', 'writer', 'pricer', 'registry', 'ingress']) {
      expect(printed.match(new RegExp(`^ {2}(starting|applying) ${step} `, 'gm'))).toHaveLength(1);
    }
    expect(printed).toMatch(/demo key +tlk_\S{32}\n/);
    expect(printed).toMatch(/registry +http:\/\/127\.0\.0\.1:\d+\n/);
    expect(printed).toMatch(/openai +simulated on this machine; set OPENAI_API_KEY/);
    expect(printed).toMatch(/anthropic +simulated on this machine; set ANTHROPIC_API_KEY/);
  });

  test('/readyz answers 200 with the state of each role', async () => {
    const answer = await fetch(`${up.adminUrl}/readyz`);
    expect(answer.status).toBe(200);
    const ready = { status: 'ready', detail: expect.any(String) };
    expect(await answer.json()).toEqual({ status: 'ready', roles: { writer: ready, pricer: ready, registry: ready, ingress: ready } });
  });

  test('the printed request works, and the printed query shows its row with tokens, cost and price version', async () => {
    const answer = shell(up.command('Send a request'));
    expect(answer.status).toBe(0);
    expect(JSON.parse(answer.stdout)).toMatchObject({ object: 'chat.completion', usage: { total_tokens: expect.any(Number) } });
    const query = up.command('See its row').replace(' sql ', ' sql --format JSONEachRow ');
    const row = await waitFor(() => shell(query).stdout, {
      timeoutMs: ROW_TIMEOUT_MS,
      describe: 'the row of the printed request',
      intervalMs: 200,
    });
    const parsed = JSON.parse(row) as Record<string, unknown>;
    expect(parsed).toMatchObject({ tenant_id: 'acme', outcome: 'ok' });
    expect(Number(parsed['input_tokens'])).toBeGreaterThan(0);
    expect(Number(parsed['cost_usd'])).toBeGreaterThan(0);
    expect(parsed['price_version']).toMatch(/^\w{12,}$/);
  });

  test('demo traffic fills the ledger with several tenants', async () => {
    const tenants = async (): Promise<number> =>
      Number((await cli('sql', '--format', 'TSV', 'SELECT uniq(tenant_id) FROM usage_events')).stdout);
    const seen = await waitFor(async () => ((await tenants()) >= 3 ? tenants() : 0), {
      timeoutMs: ROW_TIMEOUT_MS,
      describe: 'rows of three tenants',
      intervalMs: 200,
    });
    expect(seen).toBe(3);
  });

  test('tokens are counted locally beside the demo traffic, and the queries about them and about models are answered', async () => {
    const counted = async (): Promise<boolean> =>
      Number((await cli('sql', '--format', 'TSV', 'SELECT countIf(counted_output_tokens > 0) FROM usage_events')).stdout) > 0;
    await waitFor(counted, { timeoutMs: COUNT_TIMEOUT_MS, describe: 'a row with a local count', intervalMs: 500 });
    for (const page of ['counting', 'models']) {
      const text = readFileSync(join(repositoryRoot, 'docs', `${page}.md`), 'utf8');
      const queries = Array.from(text.matchAll(/```sql\n([\s\S]+?)\n```/g), ([, sql = '']) => sql);
      expect(queries).toHaveLength(1);
      for (const sql of queries) expect(await cli('sql', '--format', 'TSV', sql)).toMatchObject({ code: 0, stderr: '' });
    }
  });

  test('a table is what sql prints by default, and a refused query ends with 1', async () => {
    expect((await cli('sql', 'SELECT 1 AS one')).stdout).toContain('┌─one─┐');
    const refused = await cli('sql', 'SELECT nothing FROM nowhere');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/nowhere/);
  });

  test('events tail shows what was priced', async () => {
    const result = await cli('events', 'tail', '--from-start', '--limit', '3', '--json');
    expect(result.code).toBe(0);
    const events = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({ tenant_id: expect.any(String), price_version: expect.any(String) });
  });

  test('doctor finds everything well and knows whose ports these are', async () => {
    const result = await cli('doctor', '--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0', '--registry-port', '0');
    expect(result.stdout).not.toContain('FAIL');
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/ingress port +in use by us: http/);
  });

  test('a second process on the same data is refused, and so is forgetting the demo', async () => {
    const second = await cli('up', '--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0', '--registry-port', '0');
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/^tokenledger: data\.dir .* is in use by process \d+: stop it, or choose another with --data DIR\n$/);
    const reset = await cli('reset', '--demo');
    expect(reset.code).toBe(2);
    expect(reset.stderr).toContain('is in use by process');
  });

  test('Ctrl-C stops cleanly and says so', async () => {
    const exit = await up.child.stop('SIGINT', STOP_TIMEOUT_MS);
    expect(exit).toEqual({ code: 0, signal: null });
    expect(up.child.stdout().trimEnd()).toMatch(/Stopped\.$/);
    expect(up.child.stderr()).toBe('');
    expect(existsSync(join(data, 'run.json'))).toBe(false);
  });
});

describe('the second start', () => {
  let up: Started;
  beforeAll(async () => {
    up = await start();
  });
  afterAll(() => up.child[Symbol.asyncDispose]());

  test('is ready within its bound and finds its data again', async () => {
    console.log(`ready after ${Math.round(firstReadyMs)} ms at first, ${Math.round(up.readyMs)} ms the second time`);
    expect(up.readyMs).toBeLessThan(20_000);
    const first = await cli('sql', '--format', 'TSV', "SELECT count() FROM usage_events WHERE feature = 'first-request'");
    expect(Number(first.stdout)).toBe(1);
    const before = await countRows();
    await waitFor(async () => (await countRows()) > before, { timeoutMs: ROW_TIMEOUT_MS, describe: 'new rows', intervalMs: 200 });
  });

  test('a number that was given twice does not occur', async () => {
    const twice = await cli('sql', '--format', 'TSV', 'SELECT count() - uniqExact(source, log_partition, sequence) FROM usage_events');
    expect(Number(twice.stdout)).toBe(0);
  });

  test('SIGTERM stops it cleanly too, and then the demo can be forgotten', async () => {
    expect(await up.child.stop('SIGTERM', STOP_TIMEOUT_MS)).toEqual({ code: 0, signal: null });
    const reset = await cli('reset', '--demo');
    expect(reset.code).toBe(0);
    expect(reset.stdout).toMatch(/removed .*clickhouse/);
    expect(existsSync(data)).toBe(false);
  });
});

test('without the demo and without documents it starts, and says how to add keys', async () => {
  await using child = startCli(
    [
      'up',
      '--no-demo',
      '--data',
      join(folder.path, 'bare'),
      '--ingress-port',
      '0',
      '--clickhouse-port',
      '0',
      '--admin-port',
      '0',
      '--registry-port',
      '0',
    ],
    { cwd: folder.path },
  );
  await child.waitForOutput(/Ctrl-C stops\./, READY_TIMEOUT_MS);
  expect(child.stdout()).toContain('No virtual keys are configured');
  expect(child.stdout()).not.toContain('simulat');
  expect(await child.stop('SIGINT', STOP_TIMEOUT_MS)).toEqual({ code: 0, signal: null });
});
