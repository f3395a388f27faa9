/** Values that come beside the SQL. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';

const AWKWARD = [
  '',
  "it's",
  '"quoted"',
  '`ticked`',
  'back\\slash',
  'line\nbreak\ttab\rreturn',
  '{x:String}',
  "'; DROP TABLE t; --",
  'ünïcödé 日本 🙂',
  '\u0001',
  '$1',
  '%',
  'NULL',
  '\\N',
] as const;

export const parameterChecks: readonly Check[] = [
  {
    name: 'string parameters arrive as they are, whatever is in them',
    run: async ({ clickhouse, client }) => {
      for (const value of AWKWARD) {
        const [row] = await clickhouse.query<{ value: string }>('SELECT {value:String} AS value', { params: { value } });
        assert.equal(row?.value, value);
      }
      const result = await client.query({
        query: 'SELECT {all:Array(String)} AS all',
        query_params: { all: [...AWKWARD] },
        format: 'JSONEachRow',
      });
      assert.deepEqual(await result.json(), [{ all: [...AWKWARD] }]);
    },
  },
  {
    name: 'parameters have the type that their placeholder names',
    run: async ({ clickhouse, run }) => {
      await run('CREATE TABLE typed (n UInt32) ENGINE = MergeTree ORDER BY n');
      const [row] = await clickhouse.query(
        `SELECT {u:UInt64} AS u, {d:Decimal(38, 12)} AS d, {none:Nullable(String)} AS none, {t:DateTime64(3, 'UTC')} AS t, {list:Array(Nullable(Int64))} AS list,
           {map:Map(String, UInt8)} AS map, {flag:Bool} AS flag, (SELECT count() FROM {name:Identifier}) AS rows`,
        {
          params: {
            u: 18446744073709551615n,
            d: '12345678901234567890123456.123456789012',
            none: null,
            t: '2026-01-31 23:59:59.123',
            list: [1, null, -9223372036854775808n],
            map: { "it's": 1 },
            flag: true,
            name: 'typed',
          },
        },
      );
      assert.deepEqual(row, {
        u: '18446744073709551615',
        d: '12345678901234567890123456.123456789012',
        none: null,
        t: '2026-01-31T23:59:59.123Z',
        list: ['1', null, '-9223372036854775808'],
        map: { "it's": 1 },
        flag: true,
        rows: '0',
      });
    },
  },
  {
    name: 'parameters of requests at the same time do not mix',
    run: async ({ clickhouse }) => {
      const sums = await Promise.all(
        Array.from({ length: 100 }, async (_, n) => {
          const [row] = await clickhouse.query<{ n: string; s: string }>('SELECT {n:UInt64} AS n, {s:String} AS s', {
            params: { n, s: `s${n}` },
          });
          return [row?.n, row?.s];
        }),
      );
      assert.deepEqual(
        sums,
        sums.map((_, n) => [String(n), `s${n}`]),
      );
    },
  },
  {
    name: 'a parameter does not outlive its request: where it is missing, the query fails',
    run: async ({ rows, ask }) => {
      assert.deepEqual(await rows('SELECT {gone:UInt8}', { param_gone: '7' }), [['7']]);
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ body: 'SELECT {gone:UInt8}' })));
      for (const answer of answers) assert.equal(answer.headers['x-clickhouse-exception-code'], '456', answer.text);
    },
  },
  {
    name: 'parameters too long for a URL may come as a form',
    run: async ({ clickhouse }) => {
      const ids = Array.from({ length: 5000 }, (_, n) => `identity-${n}-'"\\\r\n--`);
      const [row] = await clickhouse.query<{ count: string; last: string }>(
        'SELECT length({ids:Array(String)}) AS count, {ids:Array(String)}[-1] AS last',
        {
          params: { ids },
        },
      );
      assert.deepEqual(row, { count: '5000', last: ids.at(-1) });
    },
  },
];
