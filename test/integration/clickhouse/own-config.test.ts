import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { expect, test } from 'vitest';
import { makeTempDir } from '../../support/temp-dir.ts';

test('the embedded engine does not take the configuration of another program that lies where it is started', async () => {
  await using directory = await makeTempDir('strange');
  await writeFile(join(directory.path, 'config.xml'), '<clickhouse><macros><shard>strange</shard></macros></clickhouse>');
  const before = process.cwd();
  process.chdir(directory.path);
  const server = await startEmbeddedClickHouse({ directory: join(directory.path, 'data'), port: 0 });
  process.chdir(before);
  const clickhouse = openClickHouse({ url: server.url, database: 'default' });
  expect(await clickhouse.query('SELECT * FROM system.macros')).toEqual([]);
  await clickhouse.close();
  await server.stop();
});
