/** Renders the placeholders of a migration, so that one set of files serves a single node and a replicated cluster:
 *  `{{engine:MergeTree}}` (with arguments: `{{engine:ReplacingMergeTree(version)}}`), `{{on_cluster}}`, `{{database}}`,
 *  and `{{database_name}}` for inside a string, where a quoted name would not be read (`joinGet('{{database_name}}.fence', …)`). */
import { AppError } from '@tokenledger/domain';
import { quoteName, quoteString } from './sql/quote.ts';

export type Topology =
  | { readonly kind: 'single_node' }
  | {
      readonly kind: 'replicated';
      /** As in the server's `remote_servers`. */
      readonly cluster: string;
      /** Path in the coordination service; the server fills in its macros. `/clickhouse/tables/{uuid}/{shard}` unless given, which is the server's own default. */
      readonly replicaPath?: string;
    };

export const SINGLE_NODE: Topology = { kind: 'single_node' };

const PLACEHOLDER = /\{\{([^}]*)\}\}/g;
const ENGINE = /^engine:\s*([A-Za-z]+)\s*(?:\((.*)\))?$/s;
const DEFAULT_REPLICA_PATH = '/clickhouse/tables/{uuid}/{shard}';

/** `where` names file and line in the error. Throws `MIGRATION_FILE_INVALID` for a placeholder that it does not know. */
export function renderTopology(sql: string, topology: Topology, database: string, where: string): string {
  return sql.replace(PLACEHOLDER, (_, content: string) => {
    const placeholder = content.trim();
    if (placeholder === 'on_cluster') return renderOnCluster(topology);
    if (placeholder === 'database') return quoteName(database);
    if (placeholder === 'database_name') return quoteString(database).slice(1, -1);
    const engine = ENGINE.exec(placeholder);
    if (engine) return renderEngine(engine[1]!, engine[2]?.trim() ?? '', topology);
    throw new AppError(
      'MIGRATION_FILE_INVALID',
      `${where}: unknown placeholder {{${content}}}: known are engine:…, on_cluster, database and database_name`,
    );
  });
}

export function renderOnCluster(topology: Topology): string {
  return topology.kind === 'replicated' ? `ON CLUSTER ${quoteName(topology.cluster)}` : '';
}

/** Engines of the MergeTree family are replicated; others (`Join`, `Memory`) live on each node by themselves. */
function renderEngine(engine: string, args: string, topology: Topology): string {
  if (topology.kind === 'single_node' || !engine.endsWith('MergeTree')) return args === '' ? engine : `${engine}(${args})`;
  const path = quoteString(topology.replicaPath ?? DEFAULT_REPLICA_PATH);
  return `Replicated${engine}(${[path, "'{replica}'", args].filter((part) => part !== '').join(', ')})`;
}
