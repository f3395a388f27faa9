/** Makes harnesses on one server: each has a database of its own, which goes with it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { openClickHouse } from '@tokenledger/clickhouse';
import type { ClickHouseHarness } from '../check.ts';
import { askHttp, type HttpAnswer, type HttpQuestion } from './http.ts';

/** `viaUrl` is asked by the check; the database is made and removed at `url`, so that a broken server in between shows in the check and not before it. */
export async function makeHarness(url: string, viaUrl: string = url): Promise<ClickHouseHarness> {
  const database = `contract_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const owner = await askHttp(url, { body: `CREATE DATABASE ${database}` });
  assert.equal(owner.status, 200, owner.text);

  const ask = (question: HttpQuestion): Promise<HttpAnswer> => askHttp(viaUrl, { ...question, params: { database, ...question.params } });
  const run = async (sql: string, params: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> => {
    const answer = await ask({ body: sql, params });
    assert.equal(answer.status, 200, `${sql.slice(0, 200)}\n${answer.text}`);
    return answer;
  };
  const { username, password } = new URL(viaUrl);
  const credentials = username === '' ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  const bare = new URL(viaUrl);
  bare.username = '';
  bare.password = '';
  const clickhouse = openClickHouse({ url: bare.href, database, ...credentials });
  const client = createClient({ url: bare.href, database, ...credentials, log: { level: ClickHouseLogLevel.OFF } });
  return {
    url: viaUrl,
    database,
    ask,
    run,
    rows: async (sql, params) => {
      const { text } = await run(sql, { default_format: 'JSONCompactStringsEachRow', ...params });
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as string[]);
    },
    clickhouse,
    client,
    close: async () => {
      await clickhouse.close();
      await client.close();
      await askHttp(url, { body: `DROP DATABASE IF EXISTS ${database}` });
    },
  };
}
