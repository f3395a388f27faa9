/** Rows in many formats, few and many. */
import assert from 'node:assert/strict';
import type { Check } from '../check.ts';

/** The rows (1, 'one', 1.5) and (2, "two's,\n", NULL). */
const INSERTS: Readonly<Record<string, string | Buffer>> = {
  JSONEachRow: '{"n":1,"s":"one","d":"1.5"}\n{"n":2,"s":"two\'s,\\n","d":null}\n',
  JSONCompactEachRow: '[1,"one","1.5"]\n[2,"two\'s,\\n",null]\n',
  JSONCompactEachRowWithNames: '["d","n","s"]\n["1.5",1,"one"]\n[null,2,"two\'s,\\n"]\n',
  CSV: '1,one,1.5\n2,"two\'s,\n",\\N\n',
  CSVWithNames: 's,n,d\none,1,1.5\n"two\'s,\n",2,\\N\n',
  TabSeparated: "1\tone\t1.5\n2\ttwo\\'s,\\n\t\\N\n",
  Values: "(1, 'one', 1.5), (2, 'two\\'s,\\n', NULL)",
  RowBinary: Buffer.concat([uint32(1), string('one'), decimal(1_500_000n), uint32(2), string("two's,\n"), Buffer.from([1])]),
};

const EXPECTED = [
  { n: 1, s: 'one', d: '1.5' },
  { n: 2, s: "two's,\n", d: null },
];

export const formatChecks: readonly Check[] = [
  {
    name: 'inserts are taken in every format, the data in the body or behind the statement',
    run: async ({ ask, run, clickhouse }) => {
      for (const [format, data] of Object.entries(INSERTS)) {
        const head = `INSERT INTO ${format} (n, s, d) FORMAT ${format}`;
        await run(`CREATE TABLE ${format} (n UInt32, s String, d Nullable(Decimal(18, 6))) ENGINE = MergeTree ORDER BY n`);
        const apart = await ask({ params: { query: head }, body: data });
        assert.equal(apart.status, 200, `${format}: ${apart.text}`);
        assert.deepEqual(await clickhouse.query(`SELECT * FROM ${format} ORDER BY n`), EXPECTED, format);
        await run(`TRUNCATE TABLE ${format}`);
        const together = await ask({ body: Buffer.concat([Buffer.from(`${head}\n`), Buffer.from(data)]) });
        assert.equal(together.status, 200, `${format}: ${together.text}`);
        assert.deepEqual(await clickhouse.query(`SELECT * FROM ${format} ORDER BY n`), EXPECTED, `${format}, behind the statement`);
      }
    },
  },
  {
    name: 'blank lines in the data are data',
    run: async ({ ask, run, rows }) => {
      await run('CREATE TABLE lines (s String) ENGINE = MergeTree ORDER BY tuple()');
      const lines = 'first\n\n\nDROP TABLE lines\n';
      const answer = await ask({ params: { query: 'INSERT INTO lines FORMAT TabSeparated' }, body: lines });
      assert.equal(answer.status, 200, answer.text);
      const binary = await ask({ params: { query: 'INSERT INTO lines FORMAT RowBinary' }, body: string('\n\nSELECT 1') });
      assert.equal(binary.status, 200, binary.text);
      await run("INSERT INTO lines VALUES ('a\n\n'), ('b')");
      assert.deepEqual(await rows('SELECT s FROM lines ORDER BY s'), [
        [''],
        [''],
        ['\n\nSELECT 1'],
        ['DROP TABLE lines'],
        ['a\n\n'],
        ['b'],
        ['first'],
      ]);
    },
  },
  {
    name: 'an insert without rows succeeds and inserts none, if its table exists',
    run: async ({ ask, run, rows }) => {
      await run('CREATE TABLE none (n UInt32) ENGINE = MergeTree ORDER BY n');
      const answer = await ask({ params: { query: 'INSERT INTO none FORMAT JSONEachRow' }, body: '' });
      assert.equal(answer.status, 200, answer.text);
      const missing = await ask({ params: { query: 'INSERT INTO nowhere FORMAT JSONEachRow' }, body: '' });
      assert.equal(missing.headers['x-clickhouse-exception-code'], '60', missing.text);
      assert.deepEqual(await rows('SELECT count() FROM none'), [['0']]);
    },
  },
  {
    name: 'one bad row refuses its whole insert and is named',
    run: async ({ ask, run, rows }) => {
      await run('CREATE TABLE picky (n UInt32) ENGINE = MergeTree ORDER BY n');
      const lines = Array.from({ length: 500 }, (_, n) => (n === 321 ? '{"n":"bad"}' : `{"n":${n}}`)).join('\n');
      const answer = await ask({ params: { query: 'INSERT INTO picky FORMAT JSONEachRow' }, body: lines });
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.text, /row 322/);
      assert.deepEqual(await rows('SELECT count() FROM picky'), [['0']]);
    },
  },
  {
    name: 'INSERT … SELECT … FROM input(…) inserts its rows or is refused, and never loses them silently',
    run: async ({ ask, run, rows }) => {
      await run('CREATE TABLE shifted (n UInt32) ENGINE = MergeTree ORDER BY n');
      const answer = await ask({
        params: { query: "INSERT INTO shifted SELECT x + 1 FROM input('x UInt32') FORMAT JSONEachRow" },
        body: '{"x":1}\n{"x":2}\n',
      });
      const found = await rows('SELECT count(), sum(n) FROM shifted');
      if (answer.status === 200) assert.deepEqual(found, [['2', '5']]);
      else {
        assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [501, '48'], answer.text);
        assert.deepEqual(found, [['0', '0']]);
      }
    },
  },
  {
    name: '200,000 rows are read as a stream, in order and complete',
    run: async ({ client }) => {
      const result = await client.query({
        query: 'SELECT number AS n, toString(number) AS s FROM numbers(200000)',
        format: 'JSONCompactEachRow',
      });
      let next = 0;
      for await (const rows of result.stream<[string | number, string]>()) {
        for (const row of rows) {
          const [n, s] = row.json();
          assert.equal(Number(n), next);
          assert.equal(s, String(next));
          next++;
        }
      }
      assert.equal(next, 200_000);
    },
  },
  {
    name: 'an insert of several megabytes is complete, to the last character',
    run: async ({ clickhouse, run, rows }) => {
      await run('CREATE TABLE big (n UInt32, s String) ENGINE = MergeTree ORDER BY n');
      const many = Array.from({ length: 40_000 }, (_, n): [number, string] => [n, `${n}:${'x'.repeat(n % 400)}`]);
      assert.deepEqual(await clickhouse.insertRows('big', ['n', 's'], many), { writtenRows: many.length });
      const characters = many.reduce((sum, [, s]) => sum + s.length, 0);
      assert.deepEqual(
        await rows("SELECT count(), uniqExact(n), sum(length(s)), countIf(s = concat(toString(n), ':', repeat('x', n % 400))) FROM big"),
        [['40000', '40000', String(characters), '40000']],
      );
    },
  },
];

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Shorter than 128 bytes, so that one byte holds the length. */
function string(value: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(value)]), Buffer.from(value)]);
}

/** A present `Nullable(Decimal(18, 6))`. */
function decimal(millionths: bigint): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeBigInt64LE(millionths, 1);
  return bytes;
}
