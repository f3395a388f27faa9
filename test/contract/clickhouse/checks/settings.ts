/** Settings come with a request, work in it, and end with it. */
import assert from 'node:assert/strict';
import type { Check, ClickHouseHarness } from '../check.ts';

const READ = "SELECT getSetting('max_block_size'), getSetting('max_result_rows'), getSetting('join_use_nulls')";

export const settingChecks: readonly Check[] = [
  {
    name: 'a setting in the URL holds for its request',
    run: async ({ rows, ask }) => {
      assert.deepEqual(await rows(READ, { max_block_size: '777', max_result_rows: '888', join_use_nulls: '1' }), [['777', '888', 'true']]);
      const cut = await ask({ body: 'SELECT number FROM numbers(100)', params: { max_result_rows: '10' } });
      assert.equal(cut.headers['x-clickhouse-exception-code'], '396', cut.text);
      const late = await ask({
        body: 'SELECT sleepEachRow(0.05) FROM numbers(1000) FORMAT Null',
        params: { max_execution_time: '0.2', max_block_size: '1', function_sleep_max_microseconds_per_block: '0' },
      });
      assert.equal(late.headers['x-clickhouse-exception-code'], '159', late.text);
    },
  },
  {
    name: 'settings never outlive their request',
    run: async (harness) => {
      const { run, rows, ask } = harness;
      await run('CREATE TABLE settled (n UInt32) ENGINE = MergeTree ORDER BY n');
      const before = await rows(READ);
      const changes: readonly (() => Promise<unknown>)[] = [
        () => run('SELECT 1', { max_block_size: '777', max_result_rows: '888', join_use_nulls: '1' }),
        () => run('SELECT 1 SETTINGS max_block_size = 777, max_result_rows = 888, join_use_nulls = 1'),
        () => run('INSERT INTO settled SETTINGS max_block_size = 777, join_use_nulls = 1 FORMAT JSONEachRow {"n":1}'),
        () => run('INSERT INTO settled SELECT 1 SETTINGS max_block_size = 777, join_use_nulls = 1'),
        () => run('INSERT INTO settled FORMAT JSONEachRow {"n":1}', { max_block_size: '777', join_use_nulls: '1' }),
        () => run('SET max_block_size = 777, max_result_rows = 888, join_use_nulls = 1'),
        () => ask({ body: 'SELECT throwIf(1)', params: { max_block_size: '777', join_use_nulls: '1' } }),
        () => ask({ body: 'SELEC 1', params: { max_block_size: '777', join_use_nulls: '1' } }),
        () => ask({ params: { query: 'SELECT 1', max_block_size: '777', readonly: '1' } }),
        () => harness.client.command({ query: 'SELECT 1', clickhouse_settings: { max_block_size: '777' } }),
      ];
      for (const change of changes) {
        await change();
        // More than any pool has members, so that a changed one would be met again.
        const after = await Promise.all(Array.from({ length: 20 }, () => rows(READ)));
        for (const seen of after) assert.deepEqual(seen, before, change.toString());
      }
      assert.equal((await run('INSERT INTO settled VALUES (5)')).status, 200);
      const mixed = await Promise.all(Array.from({ length: 60 }, (_, n) => mixedRead(harness, n)));
      for (const [n, seen] of mixed.entries()) assert.equal(seen, n % 2 === 0 ? before[0]?.[0] : String(1000 + n));
    },
  },
  {
    name: 'a database named in the URL holds for its request',
    run: async ({ rows, ask, database, run }) => {
      assert.deepEqual(await rows('SELECT currentDatabase()'), [[database]]);
      await run('USE system');
      assert.deepEqual(await rows('SELECT currentDatabase()', { database: 'system' }), [['system']]);
      for (const seen of await Promise.all(Array.from({ length: 20 }, () => rows('SELECT currentDatabase()', { database: 'default' }))))
        assert.deepEqual(seen, [['default']]);
      const missing = await ask({ body: 'SELECT 1', params: { database: `${database}_missing` } });
      assert.deepEqual([missing.status, missing.headers['x-clickhouse-exception-code']], [404, '81'], missing.text);
    },
  },
  {
    name: 'a session keeps its temporary tables and settings to itself, and not the settings of a URL',
    run: async ({ run, rows, ask, database }) => {
      const [mine, other] = [{ session_id: `${database}-a` }, { session_id: `${database}-b` }];
      const [before] = await rows(READ);
      assert.ok(before);
      await run('CREATE TEMPORARY TABLE held (n UInt32)', mine);
      await run('INSERT INTO held VALUES (1), (2)', mine);
      await run('SET max_result_rows = 888', mine);
      await run('SELECT 1', { ...mine, max_block_size: '777', max_result_rows: '999' });
      assert.deepEqual(await rows('SELECT count() FROM held', mine), [['2']]);
      assert.deepEqual(await rows(READ, mine), [[before[0], '888', before[2]]]);
      assert.deepEqual(await rows(READ, other), [before]);
      assert.equal((await ask({ body: 'SELECT count() FROM held', params: other })).headers['x-clickhouse-exception-code'], '60');
      assert.equal((await ask({ body: 'SELECT count() FROM held' })).headers['x-clickhouse-exception-code'], '60');
    },
  },
];

async function mixedRead({ rows }: ClickHouseHarness, n: number): Promise<string | undefined> {
  const [row] = await rows("SELECT getSetting('max_block_size')", n % 2 === 0 ? {} : { max_block_size: String(1000 + n) });
  return row?.[0];
}
