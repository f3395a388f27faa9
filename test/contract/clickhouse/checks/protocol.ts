/** How a server is asked and how it answers, whatever the question. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Check } from '../check.ts';
import { askHttp } from '../support/http.ts';
import { waitFor } from '../../../support/wait-for.ts';

export const protocolChecks: readonly Check[] = [
  {
    name: 'health checks are answered with Ok., and unknown paths are not found',
    run: async ({ url, clickhouse }) => {
      for (const path of ['/ping', '/replicas_status', '/']) {
        const answer = await askHttp(url, { path });
        assert.deepEqual({ path, status: answer.status, text: answer.text }, { path, status: 200, text: 'Ok.\n' });
      }
      await clickhouse.ping();
      assert.equal((await askHttp(url, { path: '/nowhere' })).status, 404);
    },
  },
  {
    name: 'a query may stand in the URL, in the body, or begin in one and end in the other',
    run: async ({ ask }) => {
      const answers = [
        await ask({ params: { query: 'SELECT 40 + 2' } }),
        await ask({ body: 'SELECT 40 + 2' }),
        await ask({ params: { query: 'SELECT 40' }, body: '+ 2' }),
        await ask({ body: 'SELECT 40 + 2; -- the answer' }),
      ];
      for (const answer of answers) assert.deepEqual([answer.status, answer.text], [200, '42\n']);
    },
  },
  {
    name: 'curl can ask, insert and read gzip',
    run: async ({ url, database, run, rows }) => {
      await run('CREATE TABLE curled (n UInt32, s String) ENGINE = MergeTree ORDER BY n');
      const insert = new URL(url);
      insert.searchParams.set('database', database);
      insert.searchParams.set('query', 'INSERT INTO curled FORMAT CSV');
      const select = new URL(url);
      select.searchParams.set('database', database);
      select.searchParams.set('enable_http_compression', '1');
      const curl = promisify(execFile);
      await curl('curl', ['-sS', '--fail-with-body', '--data-binary', '1,"one, or two"\n2,two\n', insert.href]);
      const { stdout } = await curl('curl', [
        '-sS',
        '--fail-with-body',
        '--compressed',
        '--data-binary',
        'SELECT s FROM curled ORDER BY n',
        select.href,
      ]);
      assert.equal(stdout, 'one, or two\ntwo\n');
      assert.deepEqual(await rows('SELECT count() FROM curled'), [['2']]);
    },
  },
  {
    name: 'the format is the one of the statement, else the one asked for, else TabSeparated, and is named in the answer',
    run: async ({ ask }) => {
      const plain = await ask({ body: "SELECT 1 AS a, 'x' AS b" });
      assert.equal(plain.text, '1\tx\n');
      assert.equal(plain.headers['x-clickhouse-format'], 'TabSeparated');
      assert.match(plain.headers['content-type'] ?? '', /^text\/tab-separated-values/);
      const asked = await ask({ body: 'SELECT 1 AS a', params: { default_format: 'JSONEachRow' } });
      assert.deepEqual(JSON.parse(asked.text), { a: 1 });
      assert.equal(asked.headers['x-clickhouse-format'], 'JSONEachRow');
      const named = await ask({ body: 'SELECT 1 AS a FORMAT CSVWithNames', params: { default_format: 'JSONEachRow' } });
      assert.equal(named.text, '"a"\n1\n');
      assert.equal(named.headers['x-clickhouse-format'], 'CSVWithNames');
      assert.match(named.headers['content-type'] ?? '', /^text\/csv/);
      const json = await ask({ body: 'SELECT 1 AS a FORMAT JSON' });
      assert.match(json.headers['content-type'] ?? '', /^application\/json/);
      const { data, rows } = JSON.parse(json.text) as { readonly data: unknown; readonly rows: number };
      assert.deepEqual([data, rows], [[{ a: 1 }], 1]);
    },
  },
  {
    name: "the Native format is framed as the client's revision has it",
    run: async ({ ask }) => {
      const columns = ['\x01a\x05UInt8', '\x07', '\x01b\x06String', '\x01x'] as const;
      const old = await ask({ body: "SELECT toUInt8(7) AS a, 'x' AS b", params: { default_format: 'Native' } });
      assert.equal(old.body.toString('latin1'), `\x02\x01${columns.join('')}`);
      const framed = await ask({
        body: "SELECT toUInt8(7) AS a, 'x' AS b",
        params: { default_format: 'Native', client_protocol_version: '54460' },
      });
      assert.equal(
        framed.body.toString('latin1'),
        `\x01\x00\x02\xff\xff\xff\xff\x00\x02\x01${columns[0]}\x00${columns[1]}${columns[2]}\x00${columns[3]}`,
      );
    },
  },
  {
    name: 'gzip is read and written',
    run: async ({ ask, run, rows, client }) => {
      await run('CREATE TABLE zipped (n UInt32, s String) ENGINE = MergeTree ORDER BY n');
      const lines = Array.from({ length: 1000 }, (_, n) => `${n}\tline ${n}\n`).join('');
      const insert = await ask({
        params: { query: 'INSERT INTO zipped FORMAT TabSeparated' },
        body: gzipSync(lines),
        headers: { 'content-encoding': 'gzip' },
      });
      assert.equal(insert.status, 200, insert.text);
      assert.deepEqual(await rows('SELECT count(), sum(n) FROM zipped'), [['1000', '499500']]);

      const zipped = await ask({
        body: 'SELECT * FROM zipped ORDER BY n',
        params: { enable_http_compression: '1' },
        headers: { 'accept-encoding': 'gzip' },
      });
      assert.equal(zipped.headers['content-encoding'], 'gzip');
      assert.equal(gunzipSync(zipped.body).toString(), lines);
      const unasked = await ask({ body: 'SELECT * FROM zipped ORDER BY n', headers: { 'accept-encoding': 'gzip' } });
      assert.equal(unasked.text, lines);
      const whole = await ask({ body: gzipSync('SELECT count() FROM zipped'), headers: { 'content-encoding': 'gzip' } });
      assert.equal(whole.text, '1000\n');
      const result = await client.query({
        query: 'SELECT n FROM zipped',
        format: 'JSONEachRow',
        clickhouse_settings: { enable_http_compression: 1 },
      });
      assert.equal((await result.json()).length, 1000);
    },
  },
  {
    name: 'the summary tells how many rows were written, and how many an answer holds',
    run: async ({ run, client, clickhouse }) => {
      await run('CREATE TABLE summed (n UInt32) ENGINE = MergeTree ORDER BY n');
      const { summary } = await client.insert({
        table: 'summed',
        values: Array.from({ length: 777 }, (_, n) => [n]),
        format: 'JSONCompactEachRow',
      });
      assert.equal(summary?.written_rows, '777');
      const copied = await run('INSERT INTO summed SELECT n FROM summed WHERE n < 100');
      assert.equal((JSON.parse(copied.headers['x-clickhouse-summary'] ?? '{}') as Record<string, string>)['written_rows'], '100');
      const read = await run('SELECT n FROM summed WHERE n >= 774', { wait_end_of_query: '1' });
      assert.equal((JSON.parse(read.headers['x-clickhouse-summary'] ?? '{}') as Record<string, string>)['result_rows'], '3');
      assert.deepEqual(await clickhouse.insertRows('summed', ['n'], [[1], [2]]), { writtenRows: 2 });
    },
  },
  {
    name: 'the answer names the query by the id it was given, or by one made up',
    run: async ({ run }) => {
      const id = `contract/${process.pid}/ä 1`;
      assert.equal(decodeURI((await run('SELECT 1', { query_id: 'contract-1' })).headers['x-clickhouse-query-id'] ?? ''), 'contract-1', id);
      const [first, second] = [await run('SELECT 1'), await run('SELECT 1')].map((answer) => answer.headers['x-clickhouse-query-id']);
      assert.ok(first && second && first !== second, `${first} and ${second}`);
    },
  },
  {
    name: 'a GET reads and does not write',
    run: async ({ ask, run, rows }) => {
      await run('CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n');
      for (const query of ['INSERT INTO kept VALUES (1)', 'DROP TABLE kept', 'CREATE TABLE other (n UInt8) ENGINE = Memory']) {
        const answer = await ask({ params: { query } });
        assert.equal(answer.headers['x-clickhouse-exception-code'], '164', `${query}: ${answer.text}`);
      }
      assert.equal((await ask({ params: { query: 'SELECT 1', max_threads: '1' } })).text, '1\n');
      assert.deepEqual(await rows('SELECT count() FROM kept'), [['0']]);
    },
  },
  {
    name: 'several statements in one request are refused, and none of them is run',
    run: async ({ ask, run, rows }) => {
      await run('CREATE TABLE single (n UInt32) ENGINE = MergeTree ORDER BY n');
      const answer = await ask({ body: 'INSERT INTO single SELECT 1; INSERT INTO single SELECT 2' });
      assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [400, '62'], answer.text);
      assert.deepEqual(await rows('SELECT count() FROM single'), [['0']]);
    },
  },
  {
    name: 'an insert whose body is cut off inserts nothing',
    run: async ({ url, database, run, rows, ask }) => {
      await run('CREATE TABLE cut (n UInt32) ENGINE = MergeTree ORDER BY n');
      const target = new URL(url);
      const query = new URLSearchParams({ database, query: 'INSERT INTO cut FORMAT JSONEachRow', query_id: `cut-${database}` });
      const auth =
        target.username === '' ? '' : `Authorization: Basic ${Buffer.from(`${target.username}:${target.password}`).toString('base64')}\r\n`;
      const socket = connect({ host: target.hostname, port: Number(target.port) });
      socket.on('error', () => undefined); // a reset is one way to answer
      socket.write(`POST /?${query.toString()} HTTP/1.1\r\nHost: ${target.host}\r\n${auth}Content-Length: 1000\r\n\r\n{"n":1}\n{"n":2}\n`);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      socket.end();
      await closed;
      const mark = `system.processes WHERE query_id = 'cut-${database}'`;
      await waitFor(async () => (await rows(`SELECT count() FROM ${mark}`))[0]?.[0] === '0', {
        timeoutMs: 20_000,
        describe: 'the end of the insert',
      });
      assert.deepEqual(await rows('SELECT count() FROM cut'), [['0']]);
      assert.equal((await ask({ body: 'INSERT INTO cut FORMAT JSONEachRow {"n":1}' })).status, 200);
      assert.deepEqual(await rows('SELECT count() FROM cut'), [['1']]);
    },
  },
];
