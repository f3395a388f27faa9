/** The tables in ClickHouse: connecting to where they are, bringing them up to date, or refusing to run beside old ones. */
import { join } from 'node:path';
import {
  applyAccess,
  type ClickHouse,
  listMigrations,
  localDatabase,
  openClickHouse,
  runMigrations,
  SINGLE_NODE,
  type Topology,
} from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import { REPOSITORY } from './repository.ts';
import type { Settings } from './settings.ts';

const directory = REPOSITORY.migrations;

/** A statement for a whole cluster is answered once every node has run it; the servers themselves wait 180 s for each other. */
const CLUSTER_REQUEST_MS_MAX = 200_000;

/** Opens no connection yet. Throws `CLICKHOUSE_TLS_INVALID`. */
export function clickhouseAt(url: string, settings: Settings): ClickHouse {
  const { database, cluster } = settings.config.clickhouse;
  return openClickHouse({
    ...connectionTo(url, settings),
    database,
    ...(cluster === '' ? {} : { requestTimeoutMs: CLUSTER_REQUEST_MS_MAX }),
  });
}

function connectionTo(url: string, settings: Settings) {
  const { user, password, tls_ca_file: caFile, tls_cert_file: certFile, tls_key_file: keyFile } = settings.config.clickhouse;
  return { url, username: user, password, tls: { caFile, certFile, keyFile } };
}

function topologyOf(settings: Settings): Topology {
  const { cluster, cluster_replica_path: replicaPath } = settings.config.clickhouse;
  return cluster === '' ? SINGLE_NODE : { kind: 'cluster', cluster, replicaPath };
}

/** The nodes of the cluster, for whoever writes rows: shard by shard, replica by replica. Undefined for a single node. Throws `CLICKHOUSE_NODES_MISSING`. */
export function clickhouseNodes(settings: Settings): readonly (readonly ClickHouse[])[] | undefined {
  const topology = topologyOf(settings);
  const { nodes, database } = settings.config.clickhouse;
  if (topology.kind === 'single_node') return undefined;
  if (nodes.length === 0)
    throw new AppError(
      'CLICKHOUSE_NODES_MISSING',
      'clickhouse.cluster names a cluster, and clickhouse.nodes does not say where its nodes are: list them, shard by shard',
    );
  const local = localDatabase(topology, database);
  return nodes.map((replicas) => replicas.map((url) => openClickHouse({ ...connectionTo(url, settings), database: local })));
}

/** Gives how many migrations were applied. Throws what `runMigrations` throws. */
export async function applyMigrations(clickhouse: ClickHouse, settings: Settings): Promise<number> {
  return (await runMigrations({ clickhouse, directory, topology: topologyOf(settings) })).applied.length;
}

/** Roles, grants, row policies and limits. Gives how many statements were applied. Throws what `applyAccess` throws. */
export async function applyAccessFiles(clickhouse: ClickHouse, settings: Settings): Promise<number> {
  return applyAccess({ clickhouse, directory: join(directory, 'access'), topology: topologyOf(settings) });
}

/** Throws `MIGRATIONS_PENDING`. */
export async function requireMigrated(clickhouse: ClickHouse): Promise<void> {
  const states = await listMigrations({ clickhouse, directory });
  const odd = states.filter((state) => state.state !== 'applied');
  const [first] = odd;
  if (first === undefined) return;
  const what = `migration ${first.version} (${first.name}) of the tables at ${clickhouse.url} is ${first.state.replaceAll('_', ' ')}`;
  throw new AppError(
    'MIGRATIONS_PENDING',
    `${what}${odd.length > 1 ? `, and ${odd.length - 1} more are not current` : ''}: run \`tokenledger migrate\``,
  );
}
