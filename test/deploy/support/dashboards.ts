/** The Grafana dashboards as they stand in the repository, and their queries. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../support/repository.ts';

interface DataSource {
  readonly type: string;
  readonly uid: string;
}

export interface Target {
  readonly refId: string;
  readonly datasource: DataSource;
  readonly expr?: string;
  readonly rawSql?: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: DataSource;
  readonly targets?: readonly Target[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

export interface Dashboard {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[] };
}

export const dashboardsFolder: string = join(repositoryRoot, 'deploy', 'grafana', 'dashboards');

export async function readDashboards(): Promise<readonly Dashboard[]> {
  const files = (await readdir(dashboardsFolder)).sort();
  return Promise.all(
    files.map(async (file): Promise<Dashboard> => ({
      ...(JSON.parse(await readFile(join(dashboardsFolder, file), 'utf8')) as Omit<Dashboard, 'file'>),
      file,
    })),
  );
}

export interface PanelQuery {
  /** Dashboard and panel, for messages. */
  readonly where: string;
  readonly text: string;
}

export function promqlOf(dashboards: readonly Dashboard[]): readonly PanelQuery[] {
  return queriesOf(dashboards, (target) => target.expr);
}

export function sqlOf(dashboards: readonly Dashboard[]): readonly PanelQuery[] {
  const variables = dashboards.flatMap((dashboard) =>
    dashboard.templating.list
      .filter(({ type }) => type === 'query')
      .map(({ name, query }): PanelQuery => ({ where: `${dashboard.file}: variable ${name}`, text: query })),
  );
  return [...variables, ...queriesOf(dashboards, (target) => target.rawSql)];
}

function queriesOf(dashboards: readonly Dashboard[], of: (target: Target) => string | undefined): readonly PanelQuery[] {
  return dashboards.flatMap((dashboard) =>
    dashboard.panels.flatMap((panel) =>
      (panel.targets ?? []).flatMap((target) => {
        const text = of(target);
        return text === undefined ? [] : [{ where: `${dashboard.file}: ${panel.title}`, text }];
      }),
    ),
  );
}

export interface SqlContext {
  readonly fromS: number;
  readonly toS: number;
  readonly tenants: readonly string[];
}

/** The SQL that ClickHouse is asked when the data source of Grafana has put in its macros and the dashboard its variables.
 *  Macros: https://grafana.com/docs/plugins/grafana-clickhouse-datasource/latest/ (seen November 2026). */
export function asSql(text: string, { fromS, toS, tenants }: SqlContext): string {
  return text
    .replaceAll(/\$__timeFilter\((\w+)\)/g, `($1 >= toDateTime(${fromS}) AND $1 <= toDateTime(${toS}))`)
    .replaceAll(/\$__timeInterval\((\w+)\)/g, 'toStartOfInterval(toDateTime($1), INTERVAL 60 second)')
    .replaceAll(/\$__conditionalAll\((.*?\)), \$tenant\)/g, tenants.length === 0 ? '1=1' : '$1')
    .replaceAll('${tenant:singlequote}', tenants.map((tenant) => `'${tenant}'`).join(','));
}
