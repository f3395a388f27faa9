/** Many requests at a time. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';

/** Runs for some ten seconds unless it is killed. */
export const SLOW =
  'SELECT sum(sleepEachRow(0.1)) FROM numbers(100) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0';

export const concurrencyChecks: readonly Check[] = [
  {
    name: 'a slow query does not hold up a fast one',
    run: async ({ clickhouse, database }) => {
      const id = `slow-${database}`;
      let isOver = false;
      const slow = clickhouse
        .command(SLOW, { queryId: id })
        .catch((error: unknown) => error)
        .then((outcome) => {
          isOver = true;
          return outcome;
        });
      for (let n = 0; n < 20; n++) assert.deepEqual(await clickhouse.query('SELECT 1 AS one'), [{ one: 1 }]);
      assert.equal(isOver, false, 'the slow query had ended before the fast ones were through');
      await clickhouse.kill(id);
      assert.equal(((await slow) as { readonly code?: string }).code, 'CLICKHOUSE_QUERY_FAILED');
    },
  },
  {
    name: 'inserts at the same time lose nothing and count nothing twice',
    run: async ({ clickhouse, run, rows }) => {
      await run('CREATE TABLE crowded (writer UInt32, n UInt32) ENGINE = MergeTree ORDER BY (writer, n)');
      const [writers, batches, size] = [8, 5, 200];
      await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          for (let batch = 0; batch < batches; batch++) {
            const own = Array.from({ length: size }, (__, n): [number, number] => [writer, batch * size + n]);
            assert.deepEqual(await clickhouse.insertRows('crowded', ['writer', 'n'], own), { writtenRows: size });
          }
        }),
      );
      const total = String(writers * batches * size);
      assert.deepEqual(await rows('SELECT count(), uniqExact(writer, n) FROM crowded'), [[total, total]]);
    },
  },
  {
    name: 'the same rows inserted twice are there twice: nothing is dropped by a guess',
    run: async ({ clickhouse, run, rows }) => {
      await run('CREATE TABLE twice (n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100');
      for (let n = 0; n < 2; n++) await clickhouse.insertRows('twice', ['n'], [[1], [2]]);
      assert.deepEqual(await rows('SELECT count() FROM twice'), [['4']]);
    },
  },
  {
    name: 'what an insert has acknowledged the next query sees',
    run: async ({ clickhouse, run }) => {
      await run('CREATE TABLE seen (n UInt32) ENGINE = MergeTree ORDER BY n');
      for (let n = 1; n <= 30; n++) {
        await clickhouse.insertRows('seen', ['n'], [[n]]);
        assert.deepEqual(await clickhouse.query('SELECT count() AS n FROM seen'), [{ n: String(n) }]);
      }
    },
  },
];
