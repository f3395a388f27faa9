/** Renders a statement of a migration for where it runs, so that one set of files serves a single node and a cluster of shards and replicas.
 *
 *  On a cluster there are two databases. The one that people and views use has a `Distributed` table over each table of rows. The one with `_local` behind its
 *  name has the rows themselves, replicated within their shard, and what belongs to one node alone, such as the fence. Names are the same in both, so
 *  that a writer works on one node as it does on a single one: it is only given the other database.
 *
 *  | statement                        | single node   | cluster                                                                       |
 *  | -------------------------------- | ------------- | ----------------------------------------------------------------------------- |
 *  | `CREATE TABLE` … `MergeTree`     | in `database` | replicated in `database_local`, and a `Distributed` table over it in `database` |
 *  | `CREATE TABLE` of another engine | in `database` | in `database_local` of each node, by itself                                    |
 *  | `ALTER TABLE` of columns         | in `database` | in both                                                                       |
 *  | `ALTER TABLE` of anything else   | in `database` | in `database_local`                                                            |
 *  | `DROP TABLE`, `GRANT`            | in `database` | in both                                                                       |
 *  | anything else                    | in `database` | in `database`                                                                  |
 *
 *  Placeholders: `{{database}}`; `{{database_name}}` for inside a string, where a quoted name would not be read (`joinGet('{{database_name}}.fence', …)`);
 *  `{{on_cluster}}`; `{{engine:MergeTree}}` (with arguments: `{{engine:ReplacingMergeTree(version)}}`); `{{engine_everywhere:MergeTree}}` for a small table in
 *  `database` whose rows every node of the cluster has; `{{tables:usage_events}}` for everything of that name, separated by commas. */
import { AppError } from '@tokenledger/domain';
import { quoteName, quoteString } from './sql/quote.ts';
import { tokenizeCode } from './sql/tokens.ts';

export type Topology =
  | { readonly kind: 'single_node' }
  | {
      readonly kind: 'cluster';
      /** As in the server's `remote_servers`. */
      readonly cluster: string;
      /** Path of a table in the coordination service, with the server's macros; `DEFAULT_REPLICA_PATH` unless given. */
      readonly replicaPath?: string;
    };

export const SINGLE_NODE: Topology = { kind: 'single_node' };

/** The server's own default. */
export const DEFAULT_REPLICA_PATH = '/clickhouse/tables/{uuid}/{shard}';

const PLACEHOLDER = /\{\{([^}]*)\}\}/g;
const TABLES = /^tables:\s*(\w+)$/;
const ENGINE = /^(engine|engine_everywhere):\s*([A-Za-z]+)\s*(?:\((.*)\))?$/s;
const OF_TABLE = /^(CREATE|ALTER|DROP)\s+TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?\{\{database\}\}\.`?(\w+)`?/i;
const ROWS_IN_SHARDS = /\{\{engine:\s*\w*MergeTree\b/;
const ON_EVERY_NODE = /\{\{engine_everywhere:/;
const GRANTS = /^GRANT\s/i;
const COLUMN_COMMANDS = /^(?:ADD|DROP|MODIFY|RENAME|COMMENT|ALTER)\s+COLUMN\b/i;

/** Where the tables are that hold rows and fences. */
export function localDatabase(topology: Topology, database: string): string {
  return topology.kind === 'cluster' ? `${database}_local` : database;
}

/** The statements that `sql` stands for, in the order in which they run; one on a single node. `where` names file and line in the error.
 *  Throws `MIGRATION_FILE_INVALID` for a placeholder that it does not know. */
export function renderStatement(sql: string, topology: Topology, database: string, where: string): readonly string[] {
  const into = (target: string): string => renderPlaceholders(sql, topology, database, target, where);
  if (topology.kind === 'single_node') return [into(database)];
  const local = localDatabase(topology, database);
  if (GRANTS.test(sql)) return [into(database), into(local)];
  const [, verb = '', table = ''] = OF_TABLE.exec(sql) ?? [];
  switch (verb.toUpperCase()) {
    case 'CREATE':
      if (ON_EVERY_NODE.test(sql)) return [into(database)];
      return ROWS_IN_SHARDS.test(sql) ? [into(local), distributedTable(table, topology.cluster, database, local)] : [into(local)];
    case 'ALTER':
      return onlyColumns(sql) ? [into(local), into(database)] : [into(local)];
    case 'DROP':
      return [into(database), into(local)];
    default:
      return [into(database)];
  }
}

export function renderOnCluster(topology: Topology): string {
  return topology.kind === 'cluster' ? `ON CLUSTER ${quoteName(topology.cluster)}` : '';
}

/** It has no sharding key, so that it refuses inserts as soon as there are two shards: rows go to the node that has the fence of their partition. */
function distributedTable(table: string, cluster: string, database: string, local: string): string {
  const [name, source] = [`${quoteName(database)}.${quoteName(table)}`, `${quoteName(local)}.${quoteName(table)}`];
  const engine = `Distributed(${[cluster, local, table].map(quoteString).join(', ')})`;
  return `CREATE TABLE IF NOT EXISTS ${name} ON CLUSTER ${quoteName(cluster)} AS ${source} ENGINE = ${engine}`;
}

function onlyColumns(alter: string): boolean {
  const commands = alter.replace(OF_TABLE, '').replace('{{on_cluster}}', '').trim();
  return commandsOf(commands).every((command) => COLUMN_COMMANDS.test(command));
}

/** The commands of an `ALTER`. A comma inside of parentheses is one of a type or of an expression, one inside of quotes is text. */
function commandsOf(commands: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { text, start } of tokenizeCode(commands)) {
    if (text === '(') depth += 1;
    else if (text === ')') depth -= 1;
    else if (text === ',' && depth === 0) {
      parts.push(commands.slice(from, start).trim());
      from = start + 1;
    }
  }
  return [...parts, commands.slice(from).trim()];
}

function renderPlaceholders(sql: string, topology: Topology, database: string, target: string, where: string): string {
  return sql.replace(PLACEHOLDER, (_, content: string) => {
    const placeholder = content.trim();
    if (placeholder === 'on_cluster') return renderOnCluster(topology);
    if (placeholder === 'database') return quoteName(target);
    if (placeholder === 'database_name') return quoteString(target).slice(1, -1);
    const table = TABLES.exec(placeholder)?.[1];
    if (table !== undefined) {
      const databases = new Set([database, localDatabase(topology, database)]);
      return [...databases].map((each) => `${quoteName(each)}.${quoteName(table)}`).join(', ');
    }
    const engine = ENGINE.exec(placeholder);
    if (engine) return renderEngine(engine[2]!, engine[3]?.trim() ?? '', topology, engine[1] === 'engine_everywhere');
    throw new AppError(
      'MIGRATION_FILE_INVALID',
      `${where}: unknown placeholder {{${content}}}: known are engine:…, engine_everywhere:…, on_cluster, database, database_name and tables:…`,
    );
  });
}

/** Engines of the MergeTree family are replicated; others (`Join`, `Memory`) live on each node by themselves. */
function renderEngine(engine: string, args: string, topology: Topology, everywhere: boolean): string {
  if (topology.kind === 'single_node' || !engine.endsWith('MergeTree')) return args === '' ? engine : `${engine}(${args})`;
  const path = topology.replicaPath ?? DEFAULT_REPLICA_PATH;
  // One path for all nodes makes all of them replicas of each other.
  const [place, replica] = everywhere ? [path.replaceAll('{shard}', 'everywhere'), '{shard}-{replica}'] : [path, '{replica}'];
  return `Replicated${engine}(${[quoteString(place), quoteString(replica), args].filter((part) => part !== '').join(', ')})`;
}
