/** Migrations against a running server: our own, and made-up ones. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ClickHouse,
  type EmbeddedClickHouse,
  listMigrations,
  openClickHouse,
  runMigrations,
  startEmbeddedClickHouse,
} from '@tokenledger/clickhouse';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';

let data: TempDir;
let server: EmbeddedClickHouse;
let databases = 0;

beforeAll(async () => {
  data = await makeTempDir('clickhouse');
  server = await startEmbeddedClickHouse({ directory: data.path, port: 0 });
});

afterAll(async () => {
  await server.stop();
  await data[Symbol.asyncDispose]();
});

/** Files by their names, in a directory of the test's own, for a database of its own. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  work: (clickhouse: ClickHouse, directory: string) => Promise<void>,
): Promise<void> {
  await using directory = await makeTempDir('migrations');
  for (const [name, sql] of Object.entries(files)) await writeFile(join(directory.path, name), sql);
  const clickhouse = openClickHouse({ url: server.url, database: `migrated_${++databases}` });
  try {
    await work(clickhouse, directory.path);
  } finally {
    await clickhouse.close();
  }
}

const CREATE_A = 'CREATE TABLE IF NOT EXISTS {{database}}.a (n UInt8) ENGINE = {{engine:MergeTree}} ORDER BY n;\n';
const CREATE_B =
  '-- with; a semicolon\nCREATE TABLE IF NOT EXISTS {{database}}.b (n UInt8) ENGINE = {{engine:MergeTree}} ORDER BY n;\nINSERT INTO {{database}}.b SELECT 1;\n';

async function versions(clickhouse: ClickHouse, directory: string): Promise<string[]> {
  return (await listMigrations({ clickhouse, directory })).map(({ version, state }) => `${version} ${state}`);
}

describe('migrations', () => {
  it('of this repository apply to an empty database, once', async () => {
    const directory = join(repositoryRoot, 'schemas', 'clickhouse');
    await withFiles({}, async (clickhouse) => {
      const first = await runMigrations({ clickhouse, directory });
      assert.ok(first.applied.length >= 3 && first.alreadyApplied === 0, JSON.stringify(first));
      assert.deepEqual(await runMigrations({ clickhouse, directory }), { applied: [], alreadyApplied: first.applied.length });
    });
  });

  it('are listed before there is a database, and applied in order with all their statements', () =>
    withFiles({ '0001_a.sql': CREATE_A, '0002_b.sql': CREATE_B, 'README.md': 'no migration' }, async (clickhouse, directory) => {
      assert.deepEqual(await versions(clickhouse, directory), ['1 pending', '2 pending']);
      const said: string[] = [];
      const report = await runMigrations({ clickhouse, directory, log: (line) => said.push(line) });
      assert.deepEqual(
        report.applied.map(({ version, name, state }) => [version, name, state]),
        [
          [1, 'a', 'applied'],
          [2, 'b', 'applied'],
        ],
      );
      assert.match(report.applied[0]?.appliedAt ?? '', /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.deepEqual(said, ['applying migration 0001_a.sql', 'applying migration 0002_b.sql']);
      assert.deepEqual(await clickhouse.query('SELECT n FROM b'), [{ n: 1 }]);
      await writeFile(join(directory, '0003_c.sql'), CREATE_A);
      assert.deepEqual((await runMigrations({ clickhouse, directory })).applied.length, 1);
      assert.deepEqual(await clickhouse.query('SELECT n FROM b'), [{ n: 1 }]);
    }));

  it('are refused, and nothing is applied, when an applied file was changed', () =>
    withFiles({ '0001_a.sql': CREATE_A }, async (clickhouse, directory) => {
      await runMigrations({ clickhouse, directory });
      await writeFile(join(directory, '0001_a.sql'), `${CREATE_A}-- a harmless comment\n`);
      await writeFile(join(directory, '0002_b.sql'), CREATE_B);
      assert.deepEqual(await versions(clickhouse, directory), ['1 changed', '2 pending']);
      await assert.rejects(runMigrations({ clickhouse, directory }), { code: 'MIGRATION_CHANGED', message: /^0001_a was applied at / });
      assert.deepEqual(await clickhouse.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'b'"), []);
    }));

  it('are refused when the database is ahead of the files, or a number was slipped in', () =>
    withFiles({ '0001_a.sql': CREATE_A, '0003_b.sql': CREATE_B }, async (clickhouse, directory) => {
      await runMigrations({ clickhouse, directory });
      await writeFile(join(directory, '0002_c.sql'), CREATE_A);
      await assert.rejects(runMigrations({ clickhouse, directory }), { code: 'MIGRATION_OUT_OF_ORDER', message: /^0002_c / });
      await rm(join(directory, '0002_c.sql'));
      await rm(join(directory, '0003_b.sql'));
      assert.deepEqual(await versions(clickhouse, directory), ['1 applied', '3 unknown']);
      await assert.rejects(runMigrations({ clickhouse, directory }), { code: 'MIGRATION_UNKNOWN', message: /0003_b/ });
    }));

  it('stop at the statement that fails, name it, and go on from its file once it is corrected', () =>
    withFiles(
      { '0001_a.sql': CREATE_A, '0002_b.sql': `${CREATE_A}\nINSERT INTO {{database}}.nowhere VALUES (1);\n` },
      async (clickhouse, directory) => {
        await assert.rejects(runMigrations({ clickhouse, directory }), {
          code: 'MIGRATION_FAILED',
          message: /^0002_b\.sql line 3: .*nowhere/,
        });
        assert.deepEqual(await versions(clickhouse, directory), ['1 applied', '2 pending']);
        await writeFile(join(directory, '0002_b.sql'), CREATE_B);
        assert.equal((await runMigrations({ clickhouse, directory })).applied.length, 1);
      },
    ));

  it('are refused before anything is run when a file is not as it must be', async () => {
    const wrong: readonly (readonly [name: string, sql: string, message: RegExp])[] = [
      ['2_b.sql', CREATE_B, /2_b\.sql: rename/],
      ['0001_b.sql', CREATE_B, /0001_a\.sql and 0001_b\.sql have the same number/],
      ['0002_b.sql', '-- nothing', /0002_b\.sql has no statement/],
      ['0002_b.sql', '{{nothing}}', /0002_b\.sql line 1: unknown placeholder/],
      ['0002_b.sql', 'CREATE TABLE b (n UInt8) ENGINE = Memory', /line 1: must be able to run twice/],
      ['0002_b.sql', 'ALTER TABLE a ADD COLUMN m UInt8', /line 1: must be able to run twice/],
      ['0002_b.sql', 'DROP TABLE a', /line 1: must be able to run twice/],
    ];
    for (const [name, sql, message] of wrong) {
      await withFiles({ '0001_a.sql': CREATE_A, [name]: sql }, async (clickhouse, directory) => {
        await assert.rejects(runMigrations({ clickhouse, directory }), { code: 'MIGRATION_FILE_INVALID', message });
        assert.deepEqual(await clickhouse.query('SELECT 1 AS one').catch((error: { readonly engineCode: number }) => error.engineCode), 81);
      });
    }
  });
});
