/** What our migrations become on a cluster, as far as one engine can show it: it parses them with `ON CLUSTER`, and runs them without. */
import { join } from 'node:path';
import {
  type ClickHouse,
  type EmbeddedClickHouse,
  openClickHouse,
  renderAccess,
  renderMigrations,
  type Topology,
} from '@tokenledger/clickhouse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { batchOf, openStore, owner } from '../writer/ledger.ts';
import { correction, pricedEvent } from '../writer/priced-events.ts';
import { startEngine } from './engine-config.ts';

const MIGRATIONS = join(repositoryRoot, 'schemas', 'clickhouse');
const CLUSTER: Topology = { kind: 'cluster', cluster: 'main', replicaPath: '/ledger/{database}/{table}/{shard}' };
const ON_CLUSTER = ' ON CLUSTER `main`';
const DATABASES = ['tokenledger', 'tokenledger_local'];

let directory: TempDir;
let server: EmbeddedClickHouse;
let clickhouse: ClickHouse;
let local: ClickHouse;

beforeAll(async () => {
  directory = await makeTempDir('cluster');
  server = await startEngine({ directory: directory.path, cluster: true });
  const first = openClickHouse({ url: server.url, database: 'default' });
  for (const database of DATABASES) await first.command(`CREATE DATABASE ${database}`);
  await first.close();
  clickhouse = openClickHouse({ url: server.url, database: 'tokenledger' });
  local = openClickHouse({ url: server.url, database: 'tokenledger_local' });
});

afterAll(async () => {
  await clickhouse.close();
  await local.close();
  // Replicated tables without a coordination service never close by themselves.
  await server.stop(1000);
  await directory[Symbol.asyncDispose]();
});

const tables = (database: string) =>
  clickhouse.query<{ readonly name: string; readonly engine_full: string }>(
    'SELECT name, engine_full FROM system.tables WHERE database = {database:String} ORDER BY name',
    { params: { database } },
  );

async function columnsOf(database: string, table: string): Promise<readonly unknown[]> {
  const sql =
    'SELECT name, type, default_kind FROM system.columns WHERE database = {database:String} AND table = {table:String} ORDER BY position';
  return clickhouse.query(sql, { params: { database, table } });
}

test('the engine parses every statement of the migrations, each for the whole cluster', async () => {
  const statements = renderMigrations(MIGRATIONS, CLUSTER, 'tokenledger');
  expect(statements.length).toBeGreaterThan(8);
  for (const { sql, where } of statements) {
    const [row] = await clickhouse.query<{ readonly parsed: string }>('SELECT formatQuerySingleLine({sql:String}) AS parsed', {
      params: { sql },
    });
    expect({ where, parsed: row?.parsed }).toMatchObject({ parsed: expect.stringContaining('ON CLUSTER main') });
  }
});

test('the engine parses every statement about access, on a single node and for the whole cluster', async () => {
  for (const topology of [CLUSTER, { kind: 'single_node' } as const]) {
    const statements = renderAccess(join(MIGRATIONS, 'access'), topology, 'tokenledger');
    expect(statements.length).toBeGreaterThan(8);
    for (const { sql, where } of statements) {
      const [row] = await clickhouse.query<{ readonly parsed: string }>('SELECT formatQuerySingleLine({sql:String}) AS parsed', {
        params: { sql },
      });
      if (topology.kind === 'cluster')
        expect({ where, parsed: row?.parsed }).toMatchObject({ parsed: expect.stringContaining('ON CLUSTER main') });
      else expect({ where, parsed: row?.parsed }).toMatchObject({ parsed: expect.stringMatching(/^(CREATE|GRANT)/) });
    }
  }
});

describe('tables of a cluster', () => {
  beforeAll(async () => {
    for (const { sql } of renderMigrations(MIGRATIONS, CLUSTER, 'tokenledger')) await clickhouse.command(sql.replaceAll(ON_CLUSTER, ''));
  });

  test('with rows are replicated in their shard, and what belongs to a node is not', async () => {
    const engines = Object.fromEntries((await tables('tokenledger_local')).map(({ name, engine_full: engine }) => [name, engine]));
    expect(engines['usage_events']).toContain(
      "ReplicatedMergeTree('/ledger/{database}/{table}/{shard}', '{replica}')"
        .replace('{database}', 'tokenledger_local')
        .replace('{table}', 'usage_events'),
    );
    expect(engines['dead_letters']).toContain('ReplicatedMergeTree(');
    expect(engines['fence']).toMatch(/^Join\(/);
    const replicas = await clickhouse.query<{ readonly zookeeper_path: string; readonly replica_name: string }>(
      "SELECT zookeeper_path, replica_name FROM system.replicas WHERE table = 'usage_events'",
    );
    expect(replicas).toEqual([{ zookeeper_path: '/ledger/tokenledger_local/usage_events/01', replica_name: 'one' }]);
  });

  test('are asked through tables of the same names and columns, and views over these', async () => {
    const rows = (await tables('tokenledger_local')).filter(({ engine_full: engine }) => engine.includes('MergeTree'));
    const all = new Map((await tables('tokenledger')).map(({ name, engine_full: engine }) => [name, engine]));
    for (const { name } of rows) {
      expect(all.get(name)).toBe(`Distributed('main', 'tokenledger_local', '${name}')`);
      expect(await columnsOf('tokenledger', name)).toEqual(await columnsOf('tokenledger_local', name));
    }
    for (const view of ['usage_by_minute', 'usage_by_hour', 'usage_by_day', 'usage_attempts', 'completeness', 'open_items'])
      expect([view, await clickhouse.query(`SELECT * FROM ${view}`)]).toEqual([view, []]);
  });
});

describe('a shard whose tables are not replicated', () => {
  // Without a coordination service replicated tables take no rows; the rest of a cluster can be seen without them.
  beforeAll(async () => {
    const outside = openClickHouse({ url: server.url, database: 'default' });
    for (const database of DATABASES) {
      await outside.command(`DROP DATABASE ${database}`);
      await outside.command(`CREATE DATABASE ${database}`);
    }
    await outside.close();
    for (const { sql } of renderMigrations(MIGRATIONS, CLUSTER, 'tokenledger'))
      await clickhouse.command(sql.replaceAll(ON_CLUSTER, '').replace(/Replicated(\w*)\('[^']*', '[^']*'(?:, )?/, '$1('));
  });

  test('is written by a writer that knows of no cluster, and its fence keeps an older owner out', async () => {
    const { store } = openStore(local, { database: 'tokenledger' });
    await store.takeOver(owner(1));
    await store.write(owner(1), batchOf([pricedEvent(1), pricedEvent(2), correction(3)]));
    const second = openStore(local, { database: 'tokenledger' }).store;
    await second.takeOver(owner(2));
    await expect(store.write(owner(1), batchOf([pricedEvent(4)], 3))).rejects.toMatchObject({ code: 'FENCED' });
    expect(await second.write(owner(2), batchOf([pricedEvent(2), pricedEvent(3)], 2))).toMatchObject({ inserted: 1, repeats: 1 });
    expect(await clickhouse.query('SELECT count() AS rows FROM usage_events')).toEqual([{ rows: '4' }]);
  });

  test('answers views over the cluster as the tables of the shard would, from their projections', async () => {
    for (const [view, key] of [
      ['usage_by_minute', 'minute'],
      ['usage_by_hour', 'hour'],
      ['usage_by_day', 'day'],
    ] as const) {
      const over = await clickhouse.query(
        `SELECT ${key}, sum(events) AS events, sum(cost_usd) AS cost FROM ${view} GROUP BY ${key} ORDER BY ${key}`,
      );
      const direct = await local.query(
        `SELECT ${key}, countIf(kind = 'usage') AS events, sum(cost_usd) AS cost FROM usage_events GROUP BY ${key} ORDER BY ${key} SETTINGS force_optimize_projection = 1`,
      );
      expect(direct.length).toBeGreaterThan(0);
      expect(over).toEqual(direct);
    }
    expect(await clickhouse.query("SELECT source, rows, missing, repeats FROM completeness WHERE source = 'ingress/one'")).toEqual([
      { source: 'ingress/one', rows: '3', missing: '0', repeats: '0' },
    ]);
    expect(await clickhouse.query('SELECT count() AS attempts FROM usage_attempts')).toEqual(
      await local.query('SELECT sum(length(`attempts.attempt_id`)) AS attempts FROM usage_events'),
    );
  });
});
