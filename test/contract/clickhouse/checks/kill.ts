/** Running queries are seen, and ended, by their ids. */
import assert from 'node:assert/strict';
import { waitFor } from '../../../support/wait-for.ts';
import type { Check, ClickHouseHarness } from '../check.ts';
import { SLOW } from './concurrency.ts';

export const killChecks: readonly Check[] = [
  {
    name: 'a running query is seen in system.processes under its id, and no longer when it has ended',
    run: async (harness) => {
      const { clickhouse, database, rows } = harness;
      const slow = startSlow(harness, `seen-${database}`);
      await waitUntilSeen(harness, `seen-${database}`);
      const [row] = await clickhouse.query<{ user: string; elapsed: number; query: string }>(
        `SELECT p.user AS user, p.elapsed AS elapsed, p.query AS query FROM system.processes AS p WHERE p.query_id = {id:String}`,
        { params: { id: `seen-${database}` } },
      );
      assert.ok(row && row.user !== '' && row.elapsed > 0 && row.query.includes('sleepEachRow'), JSON.stringify(row));
      await clickhouse.kill(`seen-${database}`);
      assert.deepEqual(await rows(`SELECT count() FROM system.processes WHERE query_id = 'seen-${database}'`), [['0']]);
      assert.equal(await slow, '394');
    },
  },
  {
    name: 'KILL QUERY ends the query with that id and no other',
    run: async (harness) => {
      const { run, rows, clickhouse, database } = harness;
      const [one, other] = [`one-${database}`, `other-${database}`];
      const [first, second] = [startSlow(harness, one), startSlow(harness, other)];
      await waitUntilSeen(harness, one);
      await waitUntilSeen(harness, other);
      const killed = await run(`KILL QUERY WHERE query_id = '${one}' ASYNC`, { default_format: 'JSONEachRow' });
      assert.match(killed.text, new RegExp(`"query_id":"${one}"`));
      assert.equal(await first, '394');
      assert.deepEqual(await rows(`SELECT query_id FROM system.processes WHERE query_id IN ('${one}', '${other}')`), [[other]]);
      await clickhouse.kill(other);
      assert.equal(await second, '394');
    },
  },
  {
    name: 'all queries whose ids begin alike can be killed at once',
    run: async (harness) => {
      const { clickhouse, database, rows } = harness;
      const ids = ['7/1-100', '7/101-200', '8/1-100'].map((bounds) => `${database}/usage_events/0/${bounds}`);
      const queries = ids.map((id) => startSlow(harness, id));
      for (const id of ids) await waitUntilSeen(harness, id);
      await clickhouse.kill(`${database}/usage_events/0/7/`);
      assert.deepEqual(await Promise.all(queries.slice(0, 2)), ['394', '394']);
      assert.deepEqual(await rows(`SELECT query_id FROM system.processes WHERE startsWith(query_id, '${database}')`), [[ids[2]]]);
      await clickhouse.kill(`${database}/`);
      assert.equal(await queries[2], '394');
      await clickhouse.kill(`${database}/`);
    },
  },
  {
    name: 'an insert takes no more effect once kill has returned',
    run: async ({ clickhouse, database, run, rows }) => {
      await run('CREATE TABLE stopped (n UInt64) ENGINE = MergeTree ORDER BY n');
      const settings = {
        max_block_size: '100',
        min_insert_block_size_rows: '100',
        max_insert_threads: '1',
        function_sleep_max_microseconds_per_block: '0',
      } as const;
      const insert = clickhouse
        .command('INSERT INTO stopped SELECT number + sleepEachRow(0.001) FROM numbers(100000)', {
          queryId: `insert-${database}`,
          settings,
        })
        .catch((error: { readonly engineCode?: number }) => error.engineCode);
      await waitFor(async () => (await rows('SELECT count() > 0 FROM stopped'))[0]?.[0] === '1', {
        timeoutMs: 20_000,
        describe: 'its first rows',
      });
      await clickhouse.kill(`insert-${database}`);
      const [before] = await rows('SELECT count() FROM stopped');
      assert.equal(await insert, 394);
      assert.ok(before && Number(before[0]) < 100_000, String(before));
      // Time enough for 300 more rows, had it gone on.
      await run('SELECT sleep(0.3)');
      assert.deepEqual(await rows('SELECT count() FROM stopped'), [before]);
    },
  },
  {
    name: 'two queries never run at the same time under one id',
    run: async (harness) => {
      const { ask, clickhouse, database } = harness;
      const slow = startSlow(harness, `same-${database}`);
      await waitUntilSeen(harness, `same-${database}`);
      const second = await ask({ body: 'SELECT 1', params: { query_id: `same-${database}` } });
      assert.equal(second.headers['x-clickhouse-exception-code'], '216', second.text);
      await clickhouse.kill(`same-${database}`);
      assert.equal(await slow, '394');
      assert.equal((await ask({ body: 'SELECT 1', params: { query_id: `same-${database}` } })).text, '1\n');
    },
  },
];

/** Resolves with the code that it ended with. Never rejects: a check that fails leaves it behind. */
async function startSlow({ ask }: ClickHouseHarness, id: string): Promise<string | undefined> {
  try {
    return (await ask({ body: SLOW, params: { query_id: id } })).headers['x-clickhouse-exception-code'];
  } catch (error) {
    return String(error);
  }
}

async function waitUntilSeen({ rows }: ClickHouseHarness, id: string): Promise<void> {
  const sql = `SELECT count() FROM system.processes WHERE query_id = '${id}'`;
  await waitFor(async () => (await rows(sql))[0]?.[0] === '1', { timeoutMs: 5_000, describe: `${id} in system.processes` });
}
