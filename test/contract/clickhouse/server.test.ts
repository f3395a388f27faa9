/** The contract on a real server, where `CLICKHOUSE_URL` names one. */
import { describe, it } from 'vitest';
import { clickhouseContract } from './clickhouse-contract.ts';
import { makeHarness } from './support/harness.ts';

const url = process.env['CLICKHOUSE_URL'];

if (url !== undefined && url !== '') clickhouseContract('server at CLICKHOUSE_URL', () => makeHarness(url));
else {
  console.warn('SKIPPED: the ClickHouse contract on a real server, because CLICKHOUSE_URL is not set');
  describe('ClickHouse: server at CLICKHOUSE_URL', () => {
    it.skip('passes the contract (skipped: CLICKHOUSE_URL is not set)', () => {});
  });
}
