/** What the embedded server adds to the contract: its bounds, what it does by itself, and whom it refuses. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { ClickHouseHarness } from './check.ts';
import { SLOW } from './checks/concurrency.ts';
import { askHttp } from './support/http.ts';
import { makeHarness } from './support/harness.ts';

const SESSIONS = 2;

let directory: TempDir;
let server: EmbeddedClickHouse;

beforeAll(async () => {
  directory = await makeTempDir('clickhouse');
  server = await startEmbeddedClickHouse({ directory: directory.path, port: 0, sessions: SESSIONS });
});

afterAll(async () => {
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

async function inDatabase(work: (harness: ClickHouseHarness) => Promise<void>): Promise<void> {
  const harness = await makeHarness(server.url);
  try {
    await work(harness);
  } finally {
    await harness.close();
  }
}

describe('the embedded ClickHouse', () => {
  it('quotes decimals and 64-bit integers for everybody, asked or not', () =>
    inDatabase(async ({ client }) => {
      const result = await client.query({
        query: "SELECT toDecimal128('0.123456789012', 12) AS d, toUInt64('18446744073709551615') AS u",
        format: 'JSONEachRow',
      });
      assert.deepEqual(await result.json(), [{ d: '0.123456789012', u: '18446744073709551615' }]);
    }));

  it('shows a query that waits for its turn, and a killed one never begins', () =>
    inDatabase(async (harness) => {
      const { clickhouse, run, rows, ask, database } = harness;
      await run('CREATE TABLE waited (n UInt32) ENGINE = MergeTree ORDER BY n');
      const busy = await fillSessions(harness);
      const insert = ask({ params: { query: 'INSERT INTO waited FORMAT JSONEachRow', query_id: `wait/${database}` }, body: '{"n":1}' });
      await waitUntilSeen(harness, `wait/${database}`);
      await clickhouse.kill('wait/');
      assert.equal((await insert).headers['x-clickhouse-exception-code'], '394');
      await busy.end();
      assert.deepEqual(await rows('SELECT count() FROM waited'), [['0']]);
    }));

  it('does not begin a query whose client has left', () =>
    inDatabase(async (harness) => {
      const { run, rows, database } = harness;
      await run('CREATE TABLE left (n UInt32) ENGINE = MergeTree ORDER BY n');
      const busy = await fillSessions(harness);
      const url = new URL(server.url);
      url.search = new URLSearchParams({ database, query: 'INSERT INTO left VALUES (1)', query_id: `left/${database}` }).toString();
      const leaving = request(url, { method: 'POST', agent: false });
      leaving.on('error', () => undefined); // it is we who break it off
      leaving.end();
      await waitUntilSeen(harness, `left/${database}`);
      leaving.destroy();
      await waitFor(async () => (await rows(`SELECT count() FROM system.processes WHERE query_id = 'left/${database}'`))[0]?.[0] === '0', {
        timeoutMs: 5_000,
        describe: 'the end of the abandoned insert',
      });
      await busy.end();
      assert.deepEqual(await rows('SELECT count() FROM left'), [['0']]);
    }));

  it('refuses more than 256 waiting queries, and serves those that wait', () =>
    inDatabase(async (harness) => {
      const busy = await fillSessions(harness);
      const many = Array.from({ length: 300 }, () => harness.ask({ body: 'SELECT 1' }));
      const refused = Promise.all(many).then((answers) => answers.filter((answer) => answer.status !== 200));
      await waitFor(async () => Number((await harness.rows('SELECT count() FROM system.processes'))[0]?.[0]) > 256, {
        timeoutMs: 10_000,
        describe: 'a full queue',
      });
      await busy.end();
      const answers = await refused;
      assert.equal(answers.length, 300 - 256);
      for (const answer of answers)
        assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [503, '202'], answer.text);
    }));

  it('refuses a body over its limit', () =>
    inDatabase(async ({ ask }) => {
      const answer = await ask({
        params: { query: 'INSERT INTO nowhere FORMAT CSV' },
        body: Buffer.alloc(256 * 1024 * 1024 + 1, '1'),
      }).catch((error: Error) => error);
      // The answer can get lost when the connection breaks off under the rest of the body.
      if (answer instanceof Error) assert.match(answer.message, /ECONNRESET|EPIPE|socket hang up/);
      else assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [413, '307'], answer.text);
      assert.equal((await ask({ body: 'SELECT 1' })).text, '1\n');
    }));

  it('refuses pages of other origins and host names that are not its own', async () => {
    const headers: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
      [{ origin: 'https://example.org' }, 403],
      [{ origin: 'null' }, 403],
      [{ host: 'rebound.example.org' }, 403],
      [{ origin: server.url }, 200],
      [{ host: 'localhost:8123' }, 200],
      [{ authorization: `Basic ${Buffer.from('default:').toString('base64')}` }, 200],
      [{ 'x-clickhouse-user': 'default', 'x-clickhouse-key': '' }, 200],
    ];
    for (const [sent, status] of headers) {
      const answer = await askHttp(server.url, { body: 'SELECT 1', headers: sent });
      assert.equal(answer.status, status, `${JSON.stringify(sent)}: ${answer.text}`);
    }
  });

  it('refuses to read and write files for its clients', () =>
    inDatabase(async ({ ask }) => {
      for (const sql of ["SELECT 1 INTO OUTFILE '/tmp/never'", "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT CSV"])
        assert.equal((await ask({ body: sql })).headers['x-clickhouse-exception-code'], '48', sql);
    }));
});

interface Busy {
  end(): Promise<void>;
}

/** Takes every turn there is. */
async function fillSessions(harness: ClickHouseHarness): Promise<Busy> {
  const ids = Array.from({ length: SESSIONS }, (_, n) => `busy/${harness.database}/${n}`);
  const queries = ids.map((id) => harness.ask({ body: SLOW, params: { query_id: id } }));
  for (const id of ids) await waitUntilSeen(harness, id);
  return {
    end: async () => {
      await harness.clickhouse.kill(`busy/${harness.database}/`);
      for (const query of queries) assert.equal((await query).headers['x-clickhouse-exception-code'], '394');
    },
  };
}

async function waitUntilSeen({ rows }: ClickHouseHarness, id: string): Promise<void> {
  const sql = `SELECT count() FROM system.processes WHERE query_id = '${id}'`;
  await waitFor(async () => (await rows(sql))[0]?.[0] === '1', { timeoutMs: 5_000, describe: `${id} in system.processes` });
}
