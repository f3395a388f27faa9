// What the command line says when something is wrong: one line that says which, why and what to do, and exit code 2.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, runCli } from '../support/cli.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

let folder: TempDir;
beforeAll(async () => {
  folder = await makeTempDir('cli');
});
afterAll(() => folder[Symbol.asyncDispose]());

const REGISTRY_COMMANDS = ['apply', 'get', 'delete', 'keys create', 'keys list', 'keys rotate', 'keys revoke', 'owners', 'audit'];
const FREE_PORTS = ['--ingress-port', '0', '--clickhouse-port', '0', '--admin-port', '0', '--registry-port', '0'];

function cli(...args: readonly string[]): Promise<CliResult> {
  return runCli(args, { cwd: folder.path });
}

/** A port that something listens on. */
async function holdPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function configFile(name: string, text: string): Promise<string> {
  await writeFile(join(folder.path, name), text);
  return name;
}

/** The one line on standard error. */
function onlyLine(result: CliResult): string {
  const lines = result.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

describe('up refuses, before it starts anything,', () => {
  test('a port that is taken', async () => {
    await using holder = await holdPort();
    const { port } = holder;
    for (const section of ['ingress', 'clickhouse', 'admin']) {
      const flag = `--${section}-port`;
      const others = ['ingress', 'clickhouse', 'admin'].filter((other) => other !== section).flatMap((other) => [`--${other}-port`, '0']);
      const result = await cli('up', '--data', 'ports', flag, String(port), ...others);
      expect(result.code).toBe(2);
      expect(onlyLine(result)).toBe(
        `tokenledger: ${section}.port ${port} is taken on 127.0.0.1: stop what listens there, or choose another with ${flag} (0 means any free port)`,
      );
    }
  });

  test('a data directory that cannot be written', async () => {
    await writeFile(join(folder.path, 'a-file'), '');
    const result = await cli('up', '--data', 'a-file/data', ...FREE_PORTS);
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toMatch(
      /^tokenledger: data\.dir .*a-file\/data cannot be written \(ENOTDIR\): correct its permissions, or choose another with --data DIR$/,
    );
  });

  test('an unknown field, with file and line', async () => {
    const result = await cli('up', '--config', await configFile('unknown.yaml', 'ingress:\n  prot: 9\n'));
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toMatch(/^tokenledger: .*unknown\.yaml:2: ingress\.prot is not an option; did you mean 'port'\?$/);
  });

  test('a wrong value, with file and line', async () => {
    const result = await cli('up', '--config', await configFile('wrong.yaml', 'admin:\n  port: many\n'));
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toMatch(/wrong\.yaml:2: admin\.port is "many", expected a whole number, 0 to 65535; correct it/);
  });

  test('a wrong value of a flag or a variable, by its name', async () => {
    const flag = await cli('up', '--admin-port', '99999');
    expect(flag.code).toBe(2);
    expect(onlyLine(flag)).toMatch(/^tokenledger: --admin-port: admin\.port is 99999, expected a whole number, 0 to 65535/);
    const variable = await runCli(['up'], { cwd: folder.path, env: { TOKENLEDGER_INGRESS_PORT: 'x' } });
    expect(variable.code).toBe(2);
    expect(onlyLine(variable)).toMatch(/^tokenledger: TOKENLEDGER_INGRESS_PORT: ingress\.port is 'x'/);
  });

  test('a config file that is not there', async () => {
    const result = await cli('up', '--config', 'nowhere.yaml');
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toMatch(/nowhere\.yaml: cannot be read \(it does not exist\); correct the path/);
  });

  test('a credential that is not set, without the demo, naming the variable', async () => {
    const text = `documents:
  channels: [{ id: openai, provider: openai, surfaces: [openai.chat], base_url: 'https://api.openai.com', credential: 'env:OPENAI_API_KEY' }]
`;
    const result = await cli('up', '--data', 'credentials', '--config', await configFile('credential.yaml', text), ...FREE_PORTS);
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toContain('the environment variable OPENAI_API_KEY is not set');
  });

  test('an option that it does not have', async () => {
    const result = await cli('up', '--ingres-port', '0');
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("unknown option '--ingres-port'");
  });
});

describe('--check-config', () => {
  test('says valid with 0, and starts nothing', async () => {
    const result = await cli('up', '--check-config', '--data', 'never-made');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^no config file: valid \(demo: 3 tenants, 4 virtual keys, 2 channels, price book \w+\)\n$/);
  });

  test('says every problem with 2, one line each', async () => {
    const result = await cli('up', '--check-config', '--config', await configFile('many.yaml', 'admin:\n  port: x\n  hots: y\nlogs: {}\n'));
    expect(result.code).toBe(2);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(3);
  });

  test('finds a document that names another which does not exist', async () => {
    const text = 'documents:\n  projects: [{ id: p, tenant: nobody, name: P }]\n  tenants: [{ id: somebody, name: S }]\n';
    const result = await cli('run', '--roles', 'ingress', '--check-config', '--config', await configFile('reference.yaml', text));
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toContain("project 'p' names tenant 'nobody', which does not exist");
  });
});

describe('run', () => {
  test('refuses a name that is no role', async () => {
    const result = await cli('run', '--roles', 'ingress,prizer');
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toBe("tokenledger: --roles: 'prizer' is not a role; choose from writer, pricer, registry, ingress");
  });

  test('refuses Kafka without brokers', async () => {
    const result = await runCli(['run', '--roles', 'pricer', '--admin-port', '0', '--data', 'run-pricer'], {
      cwd: folder.path,
      env: { TOKENLEDGER_LOG_ADAPTER: 'kafka' },
    });
    expect(result.code).toBe(2);
    expect(result.stderr.trimEnd().split('\n').at(-1)).toBe(
      'tokenledger: log.adapter is kafka and kafka.brokers is empty: name the brokers (KAFKA_BROKERS)',
    );
  });

  test('refuses a writer without a ClickHouse', async () => {
    const result = await cli('run', '--roles', 'writer', '--admin-port', '0', '--registry-port', '0', '--data', 'run-writer');
    expect(result.code).toBe(2);
    expect(onlyLine(result)).toMatch(/clickhouse\.url is empty, and the writer needs a ClickHouse: set it/);
  });
});

test('migrate on Kafka wants to know the ClickHouse, or to leave it alone', async () => {
  const result = await runCli(['migrate'], { cwd: folder.path, env: { KAFKA_BROKERS: '127.0.0.1:1' } });
  expect(result.code).toBe(2);
  expect(onlyLine(result)).toBe(
    'tokenledger: clickhouse.url is empty: set it (CLICKHOUSE_URL), or say --no-tables to migrate the topics alone',
  );
});

describe('doctor', () => {
  test('finds a machine that nothing runs on well, and leaves nothing behind', async () => {
    const result = await cli('doctor', '--data', 'fresh', ...FREE_PORTS);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(
      result.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, 6)),
    ).toEqual(Array.from({ length: 11 }, () => 'ok    '));
    expect(existsSync(join(folder.path, 'fresh'))).toBe(false);
  });

  test('goes on after a failure, prints the fix of each and ends with 1', async () => {
    await using holder = await holdPort();
    await writeFile(join(folder.path, 'in-the-way'), '');
    const result = await cli(
      'doctor',
      '--data',
      'in-the-way',
      '--ingress-port',
      String(holder.port),
      '--clickhouse-port',
      '0',
      '--admin-port',
      '0',
      '--registry-port',
      '0',
    );
    expect(result.code).toBe(1);
    const failed = result.stdout.split('\n').filter((line) => line.startsWith('FAIL'));
    expect(failed).toEqual([
      expect.stringMatching(
        /^FAIL {2}data directory {2}data\.dir .*in-the-way cannot be written \(EEXIST\): correct its permissions, or choose another/,
      ),
      expect.stringMatching(/^FAIL {2}ingress port {4}ingress\.port \d+ is taken on 127\.0\.0\.1: stop what listens there/),
    ]);
  });
});

test('sql says what to start when nothing answers', async () => {
  await mkdir(join(folder.path, 'idle'));
  const result = await cli('sql', 'SELECT 1', '--data', 'idle', '--clickhouse-port', '1');
  expect(result.code).toBe(1);
  expect(onlyLine(result)).toBe(
    'tokenledger: ClickHouse does not answer at http://127.0.0.1:1: start `tokenledger up` on this data directory',
  );
});

test('--version prints the version', async () => {
  const result = await cli('--version');
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

const LOG_COMMANDS = ['topics list', 'topics grow', 'offsets show', 'offsets set'];

test.each(['', 'up', 'run', 'migrate', 'doctor', 'sql', 'events tail', 'reset', ...REGISTRY_COMMANDS, ...LOG_COMMANDS])(
  'tokenledger %s --help shows examples',
  async (command) => {
    const result = await cli(...command.split(' ').filter((word) => word !== ''), '--help');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('Examples:\n  $ ');
  },
);

test('--help of up names the variable of each option', async () => {
  const { stdout } = await cli('up', '--help');
  const text = stdout.replaceAll(/\s+/g, ' ');
  for (const [option, variable] of [
    ['--config <file>', 'TOKENLEDGER_CONFIG'],
    ['--data <dir>', 'TOKENLEDGER_DATA_DIR'],
    ['--ingress-port <port>', 'TOKENLEDGER_INGRESS_PORT'],
    ['--clickhouse-port <port>', 'TOKENLEDGER_CLICKHOUSE_PORT'],
    ['--admin-port <port>', 'TOKENLEDGER_ADMIN_PORT'],
    ['--registry-port <port>', 'TOKENLEDGER_REGISTRY_PORT'],
    ['--demo', 'TOKENLEDGER_DEMO'],
  ] as const) {
    expect(text).toMatch(new RegExp(`${option}[^(]*\\([^(]*\\) \\(env: ${variable}\\)`));
  }
});
