/** Values go in and come out again as they were. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';

/** 38 digits, 12 of them behind the point: no double holds them. */
const WIDE = [
  '12345678901234567890123456.123456789012',
  '-99999999999999999999999999.999999999999',
  '0.000000000001',
  '0',
  '-1.5',
] as const;

export const valueChecks: readonly Check[] = [
  {
    name: 'rows that are parsed as they are taken are the same rows',
    run: async ({ clickhouse }) => {
      const sql = `SELECT number AS n, toDecimal64(number / 4, 2) AS amount, if(number % 2 = 0, NULL, 'a\\nb"ü') AS text, arrayZip([1, 2], ['x', 'y']) AS pairs,
        map('k', toString(number)) AS labels, toDateTime64(number, 3, 'UTC') AS at FROM numbers({rows:UInt64}) ORDER BY n`;
      for (const rows of [0, 1, 20_000]) {
        const lazily = await clickhouse.queryLazily(sql, { params: { rows } });
        assert.deepEqual([...lazily], await clickhouse.query(sql, { params: { rows } }), `${rows} rows`);
        assert.equal([...lazily].length, rows, 'they can be taken again');
      }
      await assert.rejects(clickhouse.queryLazily('SELECT throwIf(number = 3) FROM numbers(5)'), { code: 'CLICKHOUSE_QUERY_FAILED' });
    },
  },
  {
    name: 'decimals are exact in JSON, going in and coming out',
    run: async ({ clickhouse, run }) => {
      await run('CREATE TABLE money (id UInt32, amount Decimal(38, 12), maybe Nullable(Decimal(38, 12))) ENGINE = MergeTree ORDER BY id');
      await clickhouse.insertRows(
        'money',
        ['id', 'amount', 'maybe'],
        WIDE.map((amount, id) => [id, amount, id % 2 === 0 ? null : amount]),
      );
      const back = await clickhouse.query<{ amount: string; maybe: string | null }>('SELECT amount, maybe FROM money ORDER BY id');
      assert.deepEqual(
        back.map((row) => row.amount),
        WIDE,
      );
      assert.deepEqual(
        back.map((row) => row.maybe),
        WIDE.map((amount, id) => (id % 2 === 0 ? null : amount)),
      );
      const [sum] = await clickhouse.query('SELECT sum(amount) AS s, sum(maybe) AS m FROM money WHERE id < 3');
      assert.deepEqual(sum, { s: '-87654321098765432109876543.876543210986', m: '-99999999999999999999999999.999999999999' });
    },
  },
  {
    name: '64-bit integers are exact in JSON, going in and coming out',
    run: async ({ clickhouse, run }) => {
      await run('CREATE TABLE wide (u UInt64, i Int64) ENGINE = MergeTree ORDER BY u');
      await clickhouse.insertRows(
        'wide',
        ['u', 'i'],
        [
          ['18446744073709551615', '-9223372036854775808'],
          ['9007199254740993', '9007199254740993'],
        ],
      );
      assert.deepEqual(await clickhouse.query('SELECT * FROM wide ORDER BY u'), [
        { u: '9007199254740993', i: '9007199254740993' },
        { u: '18446744073709551615', i: '-9223372036854775808' },
      ]);
      assert.deepEqual(await clickhouse.query('SELECT sum(u) > 0 AS positive, count() AS n FROM wide'), [{ positive: 1, n: '2' }]);
    },
  },
  {
    name: 'times keep their milliseconds, in UTC',
    run: async ({ clickhouse, run, rows }) => {
      await run(
        "CREATE TABLE times (id UInt32, at DateTime64(3, 'UTC'), end_at Nullable(DateTime64(3, 'UTC')), hour DateTime('UTC') MATERIALIZED toStartOfHour(at)) ENGINE = MergeTree ORDER BY id",
      );
      await clickhouse.insertRows(
        'times',
        ['id', 'at', 'end_at'],
        [
          [1, '2026-03-29T01:59:59.999Z', null],
          [2, '2026-03-29 02:00:00.001', '1999-12-31 23:59:59.123'],
        ],
      );
      assert.deepEqual(await clickhouse.query('SELECT id, at, end_at, hour FROM times ORDER BY id'), [
        { id: 1, at: '2026-03-29T01:59:59.999Z', end_at: null, hour: '2026-03-29T01:00:00Z' },
        { id: 2, at: '2026-03-29T02:00:00.001Z', end_at: '1999-12-31T23:59:59.123Z', hour: '2026-03-29T02:00:00Z' },
      ]);
      assert.deepEqual(await rows('SELECT toUnixTimestamp64Milli(at) FROM times ORDER BY id'), [['1774749599999'], ['1774749600001']]);
    },
  },
  {
    name: 'nested columns hold decimals that may be null',
    run: async ({ clickhouse, run }) => {
      await run(
        'CREATE TABLE nested (id UInt32, `attempts.model` Array(LowCardinality(String)), `attempts.cost_usd` Array(Nullable(Decimal(38, 12))), `attempts.tokens` Array(Nullable(Int64))) ENGINE = MergeTree ORDER BY id',
      );
      await clickhouse.insertRows(
        'nested',
        ['id', 'attempts.model', 'attempts.cost_usd', 'attempts.tokens'],
        [
          [1, ['a', 'b', 'c'], ['0.000000000001', null, WIDE[0]], ['9007199254740993', null, 0]],
          [2, [], [], []],
        ],
      );
      assert.deepEqual(await clickhouse.query('SELECT * FROM nested ORDER BY id'), [
        {
          id: 1,
          'attempts.model': ['a', 'b', 'c'],
          'attempts.cost_usd': ['0.000000000001', null, WIDE[0]],
          'attempts.tokens': ['9007199254740993', null, '0'],
        },
        { id: 2, 'attempts.model': [], 'attempts.cost_usd': [], 'attempts.tokens': [] },
      ]);
      const flat = 'SELECT model, cost FROM nested ARRAY JOIN attempts.model AS model, attempts.cost_usd AS cost ORDER BY model';
      assert.deepEqual(await clickhouse.query(flat), [
        { model: 'a', cost: '0.000000000001' },
        { model: 'b', cost: null },
        { model: 'c', cost: WIDE[0] },
      ]);
    },
  },
  {
    name: 'text keeps every character',
    run: async ({ clickhouse, run }) => {
      await run('CREATE TABLE texts (id UInt32, s String) ENGINE = MergeTree ORDER BY id');
      const texts = ['', '\0nul\0', '\'"`\\', 'a\nb\r\nc\td', 'ünïcödé 日本 🙂', '{"json": [1]}', '\u2028\u2029', ';--/*'];
      await clickhouse.insertRows(
        'texts',
        ['id', 's'],
        texts.map((text, id) => [id, text]),
      );
      const back = await clickhouse.query<{ s: string }>('SELECT s FROM texts ORDER BY id');
      assert.deepEqual(
        back.map((row) => row.s),
        texts,
      );
    },
  },
];
