import { describe, expect, test } from 'vitest';
import { localDatabase, renderStatement, SINGLE_NODE, type Topology } from './topology.ts';

const CLUSTER: Topology = { kind: 'cluster', cluster: 'main' };
const single = (sql: string): readonly string[] => renderStatement(sql, SINGLE_NODE, 'ledger', 'x');
const clustered = (sql: string): readonly string[] => renderStatement(sql, CLUSTER, 'ledger', 'x');

describe('a table of rows', () => {
  const SQL = 'CREATE TABLE IF NOT EXISTS {{database}}.t {{on_cluster}} (n UInt8) ENGINE = {{engine:ReplacingMergeTree(version)}}';

  test('is one table on a single node', () => {
    expect(single(SQL)).toEqual(['CREATE TABLE IF NOT EXISTS `ledger`.t  (n UInt8) ENGINE = ReplacingMergeTree(version)']);
  });

  test('is replicated in each shard of a cluster, under a table that asks them all and takes no rows', () => {
    expect(clustered(SQL)).toEqual([
      "CREATE TABLE IF NOT EXISTS `ledger_local`.t ON CLUSTER `main` (n UInt8) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', version)",
      "CREATE TABLE IF NOT EXISTS `ledger`.`t` ON CLUSTER `main` AS `ledger_local`.`t` ENGINE = Distributed('main', 'ledger_local', 't')",
    ]);
  });

  test('is kept where the operator says in the coordination service', () => {
    const [local] = renderStatement(SQL, { ...CLUSTER, replicaPath: '/own/{shard}/{table}' }, 'ledger', 'x');
    expect(local).toContain("ReplicatedReplacingMergeTree('/own/{shard}/{table}', '{replica}', version)");
  });
});

test('a table that is not of rows belongs to each node by itself', () => {
  const sql =
    "CREATE TABLE IF NOT EXISTS {{database}}.fence {{on_cluster}} (n UInt8, CONSTRAINT up CHECK n >= joinGet('{{database_name}}.fence', 'n')) ENGINE = {{engine:Join(ANY, LEFT, n)}}";
  expect(clustered(sql)).toEqual([
    "CREATE TABLE IF NOT EXISTS `ledger_local`.fence ON CLUSTER `main` (n UInt8, CONSTRAINT up CHECK n >= joinGet('ledger_local.fence', 'n')) ENGINE = Join(ANY, LEFT, n)",
  ]);
  expect(single(sql)[0]).toContain("joinGet('ledger.fence', 'n')");
});

test('a small table can have its rows on every node', () => {
  const sql = 'CREATE TABLE IF NOT EXISTS {{database}}.t {{on_cluster}} (n UInt8) ENGINE = {{engine_everywhere:MergeTree}}';
  expect(clustered(sql)).toEqual([
    "CREATE TABLE IF NOT EXISTS `ledger`.t ON CLUSTER `main` (n UInt8) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/everywhere', '{shard}-{replica}')",
  ]);
  expect(single(sql)).toEqual(['CREATE TABLE IF NOT EXISTS `ledger`.t  (n UInt8) ENGINE = MergeTree']);
});

test.each([
  [
    "ALTER TABLE {{database}}.t {{on_cluster}} ADD COLUMN IF NOT EXISTS n Decimal(38, 12), COMMENT COLUMN m 'x'",
    ['ledger_local', 'ledger'],
  ],
  [
    "ALTER TABLE {{database}}.t {{on_cluster}} MODIFY COLUMN n UInt8 ALIAS if(a, b, abs(c)) COMMENT 'a, (b', ADD COLUMN IF NOT EXISTS o UInt8",
    ['ledger_local', 'ledger'],
  ],
  ['ALTER TABLE {{database}}.t {{on_cluster}} ADD PROJECTION IF NOT EXISTS p (SELECT a, count() GROUP BY a)', ['ledger_local']],
  ['ALTER TABLE {{database}}.t {{on_cluster}} ADD COLUMN IF NOT EXISTS n UInt8, MODIFY SETTING a = 1', ['ledger_local']],
  ['GRANT {{on_cluster}} SELECT ON {{database}}.t TO reader', ['ledger', 'ledger_local']],
  ['DROP TABLE IF EXISTS {{database}}.t {{on_cluster}}', ['ledger', 'ledger_local']],
  ['CREATE OR REPLACE VIEW {{database}}.v {{on_cluster}} AS SELECT * FROM {{database}}.t', ['ledger']],
])('%s runs in %j', (sql, databases) => {
  const statements = clustered(sql);
  expect(statements.map((statement) => /`(\w+)`\./.exec(statement)?.[1])).toEqual(databases);
  for (const statement of statements) expect(statement).toContain('ON CLUSTER `main`');
  expect(single(sql)).toHaveLength(1);
});

test('a row policy can name every table of a name', () => {
  const sql = 'CREATE ROW POLICY OR REPLACE p ON {{tables:t}} USING 1 TO ALL';
  expect(clustered(sql)).toEqual(['CREATE ROW POLICY OR REPLACE p ON `ledger`.`t`, `ledger_local`.`t` USING 1 TO ALL']);
  expect(single(sql)).toEqual(['CREATE ROW POLICY OR REPLACE p ON `ledger`.`t` USING 1 TO ALL']);
});

test('only a cluster has a second database', () => {
  expect([localDatabase(SINGLE_NODE, 'ledger'), localDatabase(CLUSTER, 'ledger')]).toEqual(['ledger', 'ledger_local']);
});

test('the name of the database can stand inside a string', () => {
  expect(renderStatement("joinGet('{{database_name}}.fence', 'epoch')", SINGLE_NODE, "it's", 'x')).toEqual([
    "joinGet('it\\'s.fence', 'epoch')",
  ]);
});

test('an unknown placeholder is refused, and named with its place', () => {
  expect(() => renderStatement('{{engin:MergeTree}}', SINGLE_NODE, 'd', '0001_x.sql line 3')).toThrow(
    expect.objectContaining({
      code: 'MIGRATION_FILE_INVALID',
      message: expect.stringContaining('0001_x.sql line 3: unknown placeholder {{engin:MergeTree}}'),
    }),
  );
});
