// The dashboards and rules against a running ledger: every metric they name is exposed, every query of theirs is answered.
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClickHouse, openClickHouse } from '@tokenledger/clickhouse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Child } from '../support/child.ts';
import { startCli } from '../support/cli.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';
import { asSql, type Dashboard, promqlOf, readDashboards, sqlOf } from './support/dashboards.ts';
import { complaints, linter, runLinter } from './support/linters.ts';
import { type ExposedMetrics, readMetricsPage, unknownIn } from './support/metrics-page.ts';
import { asPromql, readPromql } from './support/promql.ts';

const START_MS_MAX = 120_000;
const STOP_MS_MAX = 30_000;
const ROWS_MS_MAX = 60_000;
const rulesFolder = join(repositoryRoot, 'deploy', 'prometheus', 'rules');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

let folder: TempDir;
let ledger: Child;
let clickhouse: ClickHouse;
let exposed: ExposedMetrics;
let dashboards: readonly Dashboard[];
let rules: readonly Rule[];

beforeAll(async () => {
  dashboards = await readDashboards();
  const files = await readdir(rulesFolder);
  const texts = await Promise.all(files.map((file) => readFile(join(rulesFolder, file), 'utf8')));
  rules = texts.flatMap((text) =>
    (parse(text) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap((group) => group.rules),
  );

  folder = await makeTempDir('dashboards');
  const data = join(folder.path, 'data');
  // The demo has every role in one process, and traffic of its own.
  ledger = startCli(
    ['up', '--demo', '--data', data, '--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0', '--registry-port', '0'],
    {
      cwd: folder.path,
      env: {
        TOKENLEDGER_DEMO_REQUESTS_PER_S: '20',
        TOKENLEDGER_REGISTRY_PORT: '0',
        // Tracing exposes its metrics when it is on; that nobody listens there gives it something to count.
        TOKENLEDGER_TRACING_ENDPOINT: 'http://127.0.0.1:9',
      },
    },
  );
  await ledger.waitForOutput(/Ctrl-C stops/, START_MS_MAX);
  const { urls } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as {
    urls: Readonly<Record<'ingress' | 'admin' | 'clickhouse', string>>;
  };
  clickhouse = openClickHouse({ url: urls.clickhouse });
  // Counts as one with an unknown key.
  await fetch(`${urls.ingress}/v1/models`, { headers: { authorization: 'Bearer nobody-has-issued-this-key' } });
  await waitFor(async () => Number((await clickhouse.query<{ n: string }>('SELECT count() AS n FROM usage_events'))[0]?.n) > 20, {
    timeoutMs: ROWS_MS_MAX,
    intervalMs: 250,
    describe: () => `rows of the demo; ${ledger.stderr()}`,
  });
  exposed = readMetricsPage(await (await fetch(`${urls.admin}/metrics`)).text());
});

afterAll(async () => {
  await clickhouse.close();
  await ledger.stop('SIGTERM', STOP_MS_MAX);
  await folder[Symbol.asyncDispose]();
});

describe('metrics', () => {
  test('a metric or a label that is not there is found', () => {
    const unknown = (text: string): readonly string[] => unknownIn(readPromql(text), exposed);
    expect(unknown('rate(tokenledger_ingress_published_total[5m])')).toEqual([]);
    expect(unknown('rate(tokenledger_ingress_publisht_total[5m])')).toEqual(['metric tokenledger_ingress_publisht_total']);
    expect(unknown('tokenledger_ingress_requests_total{outcom="ok"}')).toEqual(['label outcom of tokenledger_ingress_requests_total']);
    expect(unknown('sum by (surfaces) (tokenledger_ingress_requests_total)')).toEqual(['label surfaces']);
    expect(() => unknown('rate(tokenledger_ingress_published_total[5m)')).toThrow('not PromQL');
  });

  test('each one that a dashboard asks for is exposed, with the labels that it is asked by', () => {
    const queries = promqlOf(dashboards);
    expect(queries.length).toBeGreaterThan(30);
    expect(queries.flatMap(({ where, text }) => unknownIn(readPromql(text), exposed).map((what) => `${where}: ${what}`))).toEqual([]);
  });

  test('each one that a rule asks for is exposed, with the labels that it is asked by', () => {
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.flatMap(({ alert, expr }) => unknownIn(readPromql(expr), exposed).map((what) => `${alert}: ${what}`))).toEqual([]);
  });
});

describe('SQL', () => {
  const nowS = Math.floor(Date.now() / 1000) + 60;
  const context = { fromS: nowS - 3_600, toS: nowS };

  test.each([{ tenants: [] }, { tenants: ['acme', 'globex'] }])(
    'each query of a dashboard is answered, for tenants $tenants',
    async ({ tenants }) => {
      const queries = sqlOf(dashboards);
      expect(queries.length).toBeGreaterThan(15);
      const failures: string[] = [];
      for (const { where, text } of queries) {
        const sql = asSql(text, { ...context, tenants });
        expect(sql).not.toContain('$');
        await clickhouse.query(sql).catch((error: unknown) => failures.push(`${where}: ${String(error)}`));
      }
      expect(failures).toEqual([]);
    },
  );

  test('the demo shows up in what the dashboards ask', async () => {
    const spend = sqlOf(dashboards).find(({ where }) => where === 'overview.json: Spend')?.text ?? '';
    const [row] = await clickhouse.query<{ usd: number }>(asSql(spend, { ...context, tenants: [] }));
    expect(row?.usd).toBeGreaterThan(0);
  });
});

describe('dashboards', () => {
  test('each has an address, a title and a description of its own, and the tag that links them', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
    expect(
      dashboards.filter(({ title, description, tags }) => title === '' || description === '' || !tags.includes('tokenledger')),
    ).toEqual([]);
  });

  test('panels have numbers and places of their own', () => {
    for (const { panels, file } of dashboards) {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const overlapping = panels.flatMap((one, at) =>
        panels
          .slice(at + 1)
          .filter(
            ({ gridPos: { x, y, w, h } }) =>
              x < one.gridPos.x + one.gridPos.w && one.gridPos.x < x + w && y < one.gridPos.y + one.gridPos.h && one.gridPos.y < y + h,
          ),
      );
      expect(overlapping.map(({ title }) => `${file}: ${title}`)).toEqual([]);
      expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
    }
  });

  test('panels choose their data source by a variable that the dashboard has', () => {
    for (const { panels, templating, file } of dashboards) {
      const variables = new Map(
        templating.list.filter(({ type }) => type === 'datasource').map(({ name, query }) => [`\${${name}}`, query]),
      );
      const sources = panels.flatMap((panel) => [panel.datasource, ...(panel.targets ?? []).map((target) => target.datasource)]);
      const named = sources.filter((source) => source !== undefined);
      expect(named.length).toBeGreaterThan(5);
      expect(named.filter(({ uid, type }) => variables.get(uid) !== type).map(({ uid }) => `${file}: ${uid}`)).toEqual([]);
    }
  });

  test('each panel with a query says its unit', () => {
    const silent = dashboards.flatMap(({ panels, file }) =>
      panels
        .filter((panel) => ['stat', 'timeseries'].includes(panel.type) && panel.fieldConfig?.defaults.unit === undefined)
        .map(({ title }) => `${file}: ${title}`),
    );
    expect(silent).toEqual([]);
  });

  test('Prometheus understands each of their expressions', async ({ skip }) => {
    const promtool = await linter('promtool');
    if (promtool.kind === 'missing') return skip(promtool.reason);
    const file = join(folder.path, 'dashboards.yaml');
    const recorded = promqlOf(dashboards).map(({ text }, at) => ({ record: `panel_${at}`, expr: asPromql(text) }));
    await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules: recorded }] }));
    const checked = await runLinter(promtool, ['check', 'rules', '--lint=none', file]);
    expect(complaints(checked)).toBe('');
  });
});

describe('rules', () => {
  test('each alert says how bad it is, what happened, and where its runbook stands', async () => {
    const page = await readFile(join(repositoryRoot, 'docs', 'runbooks.md'), 'utf8');
    const sections = [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(new Set(sections)).toEqual(new Set(rules.map(({ alert }) => alert)));
    for (const { alert, labels, annotations } of rules) {
      expect(['page', 'ticket']).toContain(labels['severity']);
      expect(annotations['summary']).toMatch(/\.$/);
      expect(annotations['runbook']).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
    }
  });

  test('Prometheus accepts them, and they fire when they should and only then', async ({ skip }) => {
    const promtool = await linter('promtool');
    if (promtool.kind === 'missing') return skip(promtool.reason);
    const files = (await readdir(rulesFolder)).map((file) => join(rulesFolder, file));
    const checked = await runLinter(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', ...files]);
    expect(complaints(checked)).toBe('');
    const tests = join(repositoryRoot, 'deploy', 'prometheus', 'tests');
    const tested = await runLinter(promtool, ['test', 'rules', ...(await readdir(tests)).map((file) => join(tests, file))]);
    expect(complaints(tested)).toBe('');
  });

  test('a rule with a mistake is refused', async ({ skip }) => {
    const promtool = await linter('promtool');
    if (promtool.kind === 'missing') return skip(promtool.reason);
    const file = join(folder.path, 'wrong.yaml');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'wrong', rules: [{ alert: 'Wrong', expr: 'sum(rate(x))' }] }] }));
    expect((await runLinter(promtool, ['check', 'rules', file])).code).not.toBe(0);
  });

  test('Prometheus and Alertmanager accept their config files', async ({ skip }) => {
    const [promtool, amtool] = [await linter('promtool'), await linter('amtool')];
    if (promtool.kind === 'missing') return skip(promtool.reason);
    if (amtool.kind === 'missing') return skip(amtool.reason);
    const prometheus = await runLinter(promtool, [
      'check',
      'config',
      '--syntax-only',
      join(repositoryRoot, 'deploy', 'prometheus', 'prometheus.yaml'),
    ]);
    expect(complaints(prometheus)).toBe('');
    const alertmanager = await runLinter(amtool, ['check-config', join(repositoryRoot, 'deploy', 'alertmanager', 'alertmanager.yaml')]);
    expect(complaints(alertmanager)).toBe('');
  });
});
