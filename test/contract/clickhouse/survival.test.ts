/** What the embedded server adds to the contract: it comes back with its data, whoever ends it and how. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type EmbeddedClickHouse, openClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { describe, it } from 'vitest';
import { startChild } from '../../support/child.ts';
import { freePort } from '../../support/free-port.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import { createFenced, raiseFence } from './checks/fence.ts';
import { askHttp } from './support/http.ts';
import { makeHarness } from './support/harness.ts';

const HOLD_SERVER = fileURLToPath(new URL('./support/hold-server.ts', import.meta.url));

describe('the embedded ClickHouse', () => {
  it('keeps data, migrations and the fence over a restart', async () => {
    await using directory = await makeTempDir('clickhouse');
    const first = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
    const before = await makeHarness(first.url);
    await createFenced(before);
    await raiseFence(before, 0, 7);
    await before.clickhouse.insertRows('fenced', ['n', 'log_partition', 'epoch'], [[1, 0, 7]]);
    await before.clickhouse.close();
    await first.stop();
    assert.deepEqual(first.state(), { kind: 'stopped' });

    const second = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
    const clickhouse = openClickHouse({ url: second.url, database: before.database });
    assert.deepEqual(await clickhouse.query('SELECT * FROM fenced'), [{ n: 1, log_partition: 0, epoch: '7' }]);
    await assert.rejects(clickhouse.insertRows('fenced', ['n', 'log_partition', 'epoch'], [[2, 0, 6]]), { code: 'FENCED' });
    await clickhouse.insertRows('fenced', ['n', 'log_partition', 'epoch'], [[3, 0, 7]]);
    await assert.rejects(raiseFence({ clickhouse }, 0, 6), { engineCode: 469 });
    await clickhouse.close();
    await second.stop();
  });

  it('comes back at the same address after kill -9, with every row that it acknowledged', async () => {
    await using directory = await makeTempDir('clickhouse');
    const server = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
    const { url } = server;
    const clickhouse = openClickHouse({ url, database: 'default' });
    await clickhouse.command('CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n');
    const acknowledged: number[] = [];
    let next = 0;
    for (let crash = 1; crash <= 3; crash++) {
      const writing = (async () => {
        for (;;) {
          const numbers = Array.from({ length: 50 }, () => next++);
          await clickhouse.insertRows(
            'kept',
            ['n'],
            numbers.map((n) => [n]),
          );
          acknowledged.push(...numbers);
        }
      })().catch((error: { readonly code: string }) => error.code);
      const enough = acknowledged.length + 500;
      await waitFor(() => acknowledged.length >= enough, { timeoutMs: 20_000, describe: 'acknowledged inserts' });
      process.kill(readyPid(server), 'SIGKILL');
      assert.equal(await writing, 'CLICKHOUSE_UNAVAILABLE');
      await waitFor(() => isReadyAfter(server, crash), {
        timeoutMs: 20_000,
        describe: () => `restart ${crash}: ${JSON.stringify(server.state())}`,
      });
      assert.equal(server.url, url);
      const found = await clickhouse.query<{ n: number; times: string }>('SELECT n, count() AS times FROM kept GROUP BY n');
      assert.deepEqual(
        found.filter((row) => row.times !== '1'),
        [],
      );
      const there = new Set(found.map((row) => row.n));
      assert.deepEqual(
        acknowledged.filter((n) => !there.has(n)),
        [],
      );
    }
    await clickhouse.close();
    await server.stop();
  });

  it('refuses a directory that another process has open, and takes it once that process is gone', async () => {
    await using directory = await makeTempDir('clickhouse');
    await using holder = startChild(process.execPath, [HOLD_SERVER, directory.path]);
    const [, holderUrl, pid] = await holder.waitForOutput(/holding (\S+) (\d+)/, 30_000);
    await assert.rejects(
      startEmbeddedClickHouse({ directory: directory.path, port: 0, lockWaitMs: 100 }),
      (error: Error & { readonly code: string }) => {
        assert.equal(error.code, 'EMBEDDED_DIRECTORY_IN_USE');
        assert.ok(error.message.includes(directory.path), error.message);
        return true;
      },
    );
    assert.equal((await askHttp(String(holderUrl), { path: '/ping' })).text, 'Ok.\n');

    process.kill(holder.pid, 'SIGKILL');
    // The server sees that its parent is gone, and lets go.
    const server = await startEmbeddedClickHouse({ directory: directory.path, port: 0, lockWaitMs: 10_000 });
    await waitFor(() => !exists(Number(pid)), { timeoutMs: 10_000, describe: `the end of the orphaned server ${pid}` });
    await server.stop();
  });

  it('names a port that is taken', async () => {
    await using directory = await makeTempDir('clickhouse');
    await using other = await makeTempDir('clickhouse');
    const port = await freePort();
    const server = await startEmbeddedClickHouse({ directory: directory.path, port });
    assert.equal(server.url, `http://127.0.0.1:${port}`);
    await assert.rejects(startEmbeddedClickHouse({ directory: other.path, port }), (error: Error & { readonly code: string }) => {
      assert.equal(error.code, 'EMBEDDED_PORT_TAKEN');
      assert.ok(error.message.includes(String(port)), error.message);
      return true;
    });
    await server.stop();
  });

  it('lets an insert that has begun finish when it is stopped', async () => {
    await using directory = await makeTempDir('clickhouse');
    const server = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
    const harness = await makeHarness(server.url);
    await harness.run('CREATE TABLE late (n UInt32) ENGINE = MergeTree ORDER BY n');
    const insert = harness.ask({
      body: 'INSERT INTO late SELECT number + sleepEachRow(0.01) FROM numbers(100)',
      params: { query_id: 'late' },
    });
    await waitFor(async () => (await harness.rows("SELECT count() FROM system.processes WHERE query_id = 'late'"))[0]?.[0] === '1', {
      timeoutMs: 5_000,
      describe: 'the insert',
    });
    await server.stop();
    assert.equal((await insert).status, 200);
    await harness.clickhouse.close();
    const again = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
    assert.equal((await askHttp(again.url, { body: `SELECT count() FROM ${harness.database}.late` })).text, '100\n');
    await again.stop();
  });
});

function readyPid(server: EmbeddedClickHouse): number {
  const state = server.state();
  assert.equal(state.kind, 'ready');
  return state.kind === 'ready' ? state.pid : 0;
}

function isReadyAfter(server: EmbeddedClickHouse, restarts: number): boolean {
  const state = server.state();
  return state.kind === 'ready' && state.restarts === restarts;
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
