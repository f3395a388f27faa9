/** Failures say what failed, in the words and numbers that clients know. */
import assert from 'node:assert/strict';
import { ClickHouseError } from '@clickhouse/client';
import { openClickHouse } from '@tokenledger/clickhouse';
import { freePort } from '../../../support/free-port.ts';
import type { Check } from '../check.ts';

const FAILURES: readonly (readonly [sql: string, status: number, code: string, name: string])[] = [
  ['SELECT * FROM nowhere', 404, '60', 'UNKNOWN_TABLE'],
  ['SELECT nothing_of_the_kind', 404, '47', 'UNKNOWN_IDENTIFIER'],
  ['SELECT nofunction(1)', 404, '46', 'UNKNOWN_FUNCTION'],
  ['SELECT 1 SETTINGS nosetting = 1', 404, '115', 'UNKNOWN_SETTING'],
  ['SELEC 1', 400, '62', 'SYNTAX_ERROR'],
  ['', 400, '62', 'SYNTAX_ERROR'],
  ["SELECT toUInt8('x')", 400, '6', 'CANNOT_PARSE_TEXT'],
  ['SELECT 1 FORMAT Nosuch', 404, '73', 'UNKNOWN_FORMAT'],
  ["SELECT throwIf(1, 'thrown')", 500, '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
  ['CREATE TABLE one (n UInt8) ENGINE = Memory', 500, '57', 'TABLE_ALREADY_EXISTS'],
];

export const errorChecks: readonly Check[] = [
  {
    name: 'a failure has the status, the code header and the text of ClickHouse',
    run: async ({ ask, run }) => {
      await run('CREATE TABLE one (n UInt8) ENGINE = Memory');
      for (const [sql, status, code, name] of FAILURES) {
        const answer = await ask({ body: sql });
        assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [status, code], `${sql}: ${answer.text}`);
        assert.match(answer.text, new RegExp(`^Code: ${code}\\. DB::Exception: [^]*\\(${name}\\)`), sql);
      }
      const unknown = await ask({ body: 'SELECT 1', params: { no_such_setting: '1' } });
      assert.deepEqual([unknown.status, unknown.headers['x-clickhouse-exception-code']], [404, '115'], unknown.text);
    },
  },
  {
    name: 'a failure while rows are being computed is a failure of the whole answer',
    run: async ({ ask }) => {
      const answer = await ask({
        body: 'SELECT throwIf(number = 150000) FROM numbers(200000)',
        params: { max_block_size: '1000', wait_end_of_query: '1' },
      });
      assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [500, '395'], answer.text.slice(0, 500));
    },
  },
  {
    name: 'after a failure the same connection serves the next request',
    run: async ({ client }) => {
      for (let n = 0; n < 5; n++) {
        await assert.rejects(
          client.query({ query: 'SELECT * FROM nowhere' }),
          (error) => error instanceof ClickHouseError && error.code === '60',
        );
        const result = await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' });
        assert.deepEqual(await result.json(), [{ one: 1 }]);
      }
    },
  },
  {
    name: "our client's errors say whether trying again can help",
    run: async ({ clickhouse }) => {
      await assert.rejects(clickhouse.query('SELECT * FROM nowhere'), {
        code: 'CLICKHOUSE_QUERY_FAILED',
        engineCode: 60,
        retryable: false,
      });
      await assert.rejects(
        clickhouse.command('SELECT sleepEachRow(0.1) FROM numbers(100) FORMAT Null', {
          settings: { max_execution_time: 0.2, max_block_size: '1' },
        }),
        {
          code: 'CLICKHOUSE_QUERY_FAILED',
          engineCode: 159,
          retryable: true,
        },
      );
      const away = openClickHouse({ url: `http://127.0.0.1:${await freePort()}` });
      await assert.rejects(away.query('SELECT 1'), { code: 'CLICKHOUSE_UNAVAILABLE', retryable: true });
      await assert.rejects(away.ping(), { code: 'CLICKHOUSE_UNAVAILABLE', retryable: true });
      await away.close();
    },
  },
];
