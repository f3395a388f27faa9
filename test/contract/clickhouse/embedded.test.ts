/** The contract on the embedded server. */
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { afterAll, beforeAll } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { clickhouseContract } from './clickhouse-contract.ts';
import { makeHarness } from './support/harness.ts';

let directory: TempDir;
let server: EmbeddedClickHouse;

beforeAll(async () => {
  directory = await makeTempDir('clickhouse');
  server = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
});

afterAll(async () => {
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

clickhouseContract('embedded', () => makeHarness(server.url));
