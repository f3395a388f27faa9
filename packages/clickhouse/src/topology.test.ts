import { expect, test } from 'vitest';
import { renderTopology, SINGLE_NODE, type Topology } from './topology.ts';

const CLUSTER: Topology = { kind: 'replicated', cluster: 'main' };
const SQL = 'CREATE TABLE {{database}}.t {{on_cluster}} (n UInt8) ENGINE = {{engine:ReplacingMergeTree(version)}}';

test('one text gives the table of a single node and of a cluster', () => {
  expect(renderTopology(SQL, SINGLE_NODE, 'tokenledger', 'x')).toBe(
    'CREATE TABLE `tokenledger`.t  (n UInt8) ENGINE = ReplacingMergeTree(version)',
  );
  expect(renderTopology(SQL, CLUSTER, 'tokenledger', 'x')).toBe(
    "CREATE TABLE `tokenledger`.t ON CLUSTER `main` (n UInt8) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', version)",
  );
  expect(renderTopology('{{engine:MergeTree}}', { ...CLUSTER, replicaPath: '/own/{shard}/{table}' }, 'd', 'x')).toBe(
    "ReplicatedMergeTree('/own/{shard}/{table}', '{replica}')",
  );
});

test('engines that are not replicated stay as they are', () => {
  expect(renderTopology('{{engine:Join(ANY, LEFT, a, b)}} {{engine:Memory}}', CLUSTER, 'd', 'x')).toBe('Join(ANY, LEFT, a, b) Memory');
});

test('the name of the database can stand inside a string', () => {
  expect(renderTopology("joinGet('{{database_name}}.fence', 'epoch')", SINGLE_NODE, "it's", 'x')).toBe("joinGet('it\\'s.fence', 'epoch')");
});

test('an unknown placeholder is refused, and named with its place', () => {
  expect(() => renderTopology('{{engin:MergeTree}}', SINGLE_NODE, 'd', '0001_x.sql line 3')).toThrow(
    expect.objectContaining({
      code: 'MIGRATION_FILE_INVALID',
      message: expect.stringContaining('0001_x.sql line 3: unknown placeholder {{engin:MergeTree}}'),
    }),
  );
});
