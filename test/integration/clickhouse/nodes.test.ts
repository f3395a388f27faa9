/** A writer on a cluster of two shards with two replicas each, where every node is a database of one engine: which of them takes what is what is tested. */
import { join } from 'node:path';
import {
  type ClickHouse,
  type EmbeddedClickHouse,
  openClickHouse,
  placeOf,
  runMigrations,
  startEmbeddedClickHouse,
} from '@tokenledger/clickhouse';
import { placedStore } from '@tokenledger/writer';
import type { SinkStore } from '@tokenledger/event-log';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { batchOf, openStore, owner, TOPIC } from '../writer/ledger.ts';
import { pricedEvent } from '../writer/priced-events.ts';

const NAMES = [
  ['shard_1_replica_1', 'shard_1_replica_2'],
  ['shard_2_replica_1', 'shard_2_replica_2'],
] as const;

let directory: TempDir;
let server: EmbeddedClickHouse;
let nodes: readonly (readonly ClickHouse[])[];

beforeAll(async () => {
  directory = await makeTempDir('nodes');
  server = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
  nodes = NAMES.map((replicas) => replicas.map((database) => openClickHouse({ url: server.url, database })));
  for (const clickhouse of nodes.flat()) await runMigrations({ clickhouse, directory: join(repositoryRoot, 'schemas', 'clickhouse') });
});

afterAll(async () => {
  for (const clickhouse of nodes.flat()) await clickhouse.close();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

async function numbers(sqlIn: (database: string) => string): Promise<Readonly<Record<string, readonly number[]>>> {
  const found = await Promise.all(
    nodes
      .flat()
      .map(
        async (clickhouse) =>
          [clickhouse.database, (await clickhouse.query<{ n: number }>(sqlIn(clickhouse.database))).map(({ n }) => Number(n))] as const,
      ),
  );
  return Object.fromEntries(found);
}

function openPlaced(shards: readonly (readonly ClickHouse[])[], unasked: string[] = []): SinkStore {
  return placedStore({
    shards: shards.map((replicas) => replicas.map((clickhouse) => ({ clickhouse, store: openStore(clickhouse).store }))),
    onUnasked: (url) => unasked.push(url),
  });
}

test('fence and rows of a partition are on one node, the one that every writer chooses', async () => {
  const store = openPlaced(nodes);
  for (const partition of [0, 1, 2, 3, 4]) {
    await store.takeOver(owner(7, partition));
    expect(await store.write(owner(7, partition), batchOf([pricedEvent(partition + 1)]))).toMatchObject({ inserted: 1 });
  }
  const placed = { shard_1_replica_1: [0, 4], shard_2_replica_1: [1], shard_1_replica_2: [2], shard_2_replica_2: [3] };
  expect(await numbers(() => 'SELECT log_partition AS n FROM usage_events ORDER BY n')).toEqual(placed);
  // A fence can be asked for one partition at a time only.
  const fenced = (database: string) =>
    `SELECT number AS n FROM numbers(5) WHERE joinGet('${database}.fence', 'epoch', '${TOPIC}', toUInt32(number)) = 7 ORDER BY n`;
  expect(await numbers(fenced)).toEqual(placed);
  for (const [node, partitions] of Object.entries(placed))
    expect(partitions.map((partition) => placeOf(NAMES, partition))).toEqual(partitions.map(() => node));
});

test('a second writer finds what the first one wrote there, and keeps it out', async () => {
  const [first, second] = [openPlaced(nodes), openPlaced(nodes)];
  await first.takeOver(owner(8, 6));
  await first.write(owner(8, 6), batchOf([pricedEvent(1), pricedEvent(2)]));
  await second.takeOver(owner(9, 6));
  await expect(first.write(owner(8, 6), batchOf([pricedEvent(3)], 2))).rejects.toMatchObject({ code: 'FENCED' });
  expect(await second.write(owner(9, 6), batchOf([pricedEvent(1), pricedEvent(2), pricedEvent(3)]))).toMatchObject({
    inserted: 1,
    repeats: 2,
  });
});

test('a partition that a changed list of nodes places elsewhere is not written, there or here, until its old fence is gone', async () => {
  const swapped = [nodes[1] ?? [], nodes[0] ?? []];
  await openPlaced(nodes).takeOver(owner(3, 8));
  const moved = openPlaced(swapped);
  await expect(moved.takeOver(owner(4, 8))).rejects.toMatchObject({ code: 'PARTITION_MOVED', retryable: true });
  expect(await placeOf(nodes, 8).query('SELECT count() AS rows FROM usage_events WHERE log_partition = 8')).toEqual([{ rows: '0' }]);
  await placeOf(nodes, 8).command('TRUNCATE TABLE fence');
  await moved.takeOver(owner(5, 8));
  expect(await moved.write(owner(5, 8), batchOf([pricedEvent(1)]))).toMatchObject({ inserted: 1 });
  await expect(openPlaced(nodes).takeOver(owner(6, 8))).rejects.toMatchObject({ code: 'PARTITION_MOVED' });
});

test('a node that cannot be asked holds up nobody but the partitions it has', async () => {
  const gone = openClickHouse({ url: 'http://127.0.0.1:1', database: 'gone' });
  const unasked: string[] = [];
  const store = openPlaced([nodes[0] ?? [], [gone]], unasked);
  await store.takeOver(owner(1, 10));
  expect(unasked).toEqual(['http://127.0.0.1:1']);
  await expect(store.takeOver(owner(1, 11))).rejects.toMatchObject({ code: 'CLICKHOUSE_UNAVAILABLE' });
  await gone.close();
});
