/** The fence: rows of an older epoch are refused by the table itself. */
import assert from 'node:assert/strict';
import type { Check, ClickHouseHarness } from '../check.ts';

export const fenceChecks: readonly Check[] = [
  {
    name: 'a row of an older epoch than the fence is refused, with its whole insert, in every way to insert',
    run: async (harness) => {
      const { clickhouse, ask, rows } = harness;
      await createFenced(harness);
      await raiseFence(harness, 0, 7);
      await raiseFence(harness, 1, 5);
      assert.deepEqual(
        await clickhouse.insertRows(
          'fenced',
          ['n', 'log_partition', 'epoch'],
          [
            [1, 0, 7],
            [2, 0, 8],
            [3, 1, 5],
          ],
        ),
        { writtenRows: 3 },
      );

      await assert.rejects(
        clickhouse.insertRows(
          'fenced',
          ['n', 'log_partition', 'epoch'],
          [
            [4, 0, 7],
            [5, 0, 6],
          ],
        ),
        { code: 'FENCED', retryable: false },
      );
      const refused = [
        await ask({ params: { query: 'INSERT INTO fenced FORMAT JSONEachRow' }, body: '{"n":6,"log_partition":0,"epoch":6}' }),
        await ask({ body: 'INSERT INTO fenced VALUES (7, 0, 6)' }),
        await ask({ body: 'INSERT INTO fenced SELECT 8, 0, 6' }),
        await ask({ params: { query: 'INSERT INTO fenced FORMAT CSV' }, body: '9,1,4\n' }),
        await ask({ params: { query: 'INSERT INTO fenced FORMAT TabSeparated' }, body: '10\t0\t0\n' }),
      ];
      for (const answer of refused) {
        assert.equal(answer.headers['x-clickhouse-exception-code'], '469', answer.text);
        assert.match(answer.text, /Constraint `fence` for table /);
      }
      assert.deepEqual(await rows('SELECT n FROM fenced ORDER BY n'), [['1'], ['2'], ['3']]);
    },
  },
  {
    name: 'a fence that was never raised reads 0, and a raise is read back at once',
    run: async (harness) => {
      const { rows, database } = harness;
      await createFenced(harness);
      const read = `SELECT joinGet('${database}.fence', 'epoch', 'usage', toUInt32(3))`;
      assert.deepEqual(await rows(read), [['0']]);
      await raiseFence(harness, 3, 9);
      assert.deepEqual(await rows(read), [['9']]);
      await raiseFence(harness, 3, 9);
      await raiseFence(harness, 3, 12);
      assert.deepEqual(await rows(read), [['12']]);
      assert.deepEqual(await rows(`SELECT joinGet('${database}.fence', 'epoch', 'usage', toUInt32(4))`), [['0']]);
    },
  },
  {
    name: 'the fence only rises',
    run: async (harness) => {
      const { clickhouse, rows, database } = harness;
      await createFenced(harness);
      await raiseFence(harness, 0, 7);
      await assert.rejects(raiseFence(harness, 0, 6), { code: 'CLICKHOUSE_QUERY_FAILED', engineCode: 469 });
      assert.deepEqual(await rows(`SELECT joinGet('${database}.fence', 'epoch', 'usage', toUInt32(0))`), [['7']]);
      await assert.rejects(clickhouse.insertRows('fenced', ['n', 'log_partition', 'epoch'], [[1, 0, 6]]), { code: 'FENCED' });
    },
  },
];

export async function createFenced({ run, database }: Pick<ClickHouseHarness, 'run' | 'database'>): Promise<void> {
  await run(
    `CREATE TABLE fence (stream String, log_partition UInt32, epoch UInt64, CONSTRAINT up CHECK epoch >= joinGet('${database}.fence', 'epoch', stream, log_partition))
     ENGINE = Join(ANY, LEFT, stream, log_partition) SETTINGS join_any_take_last_row = 1`,
  );
  await run(
    `CREATE TABLE fenced (n UInt32, log_partition UInt32, epoch UInt64, CONSTRAINT fence CHECK epoch >= joinGet('${database}.fence', 'epoch', 'usage', log_partition))
     ENGINE = MergeTree ORDER BY n`,
  );
}

export async function raiseFence({ clickhouse }: Pick<ClickHouseHarness, 'clickhouse'>, partition: number, epoch: number): Promise<void> {
  await clickhouse.insertRows('fence', ['stream', 'log_partition', 'epoch'], [['usage', partition, epoch]]);
}
