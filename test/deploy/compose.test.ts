// The compose stack without a container engine: what the loader of Compose says, what the program says of each role's settings, and what must hold between services.
import { existsSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runCli, startCli } from '../support/cli.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { composeFolder, type ComposeFile, composeText, makeEnvironment, readComposeFile } from './support/compose-file.ts';
import { linter, runLinter } from './support/linters.ts';
import { knownOptions } from './support/options.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const ROLES = ['ingress', 'pricer', 'writer', 'registry'];

let folder: TempDir;
let environment: Readonly<Record<string, string>>;
let compose: ComposeFile;

beforeAll(async () => {
  folder = await makeTempDir('compose');
  environment = await makeEnvironment(folder.path);
  compose = await readComposeFile(environment);
});
afterAll(() => folder[Symbol.asyncDispose]());

function service(name: string): ComposeFile['services'][string] {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}

describe('the file', () => {
  test('is refused by the loader of Compose with a mistake in it, and accepted as it stands', async ({ skip }) => {
    const loader = await linter('compose-spec');
    if (loader.kind === 'missing') return skip(loader.reason);
    const text = await composeText(environment);
    const load = async (content: string): Promise<string> => {
      const file = join(folder.path, 'compose.yaml');
      await writeFile(file, content);
      const { code, output } = await runLinter(loader, ['-format', 'json', file], { cwd: folder.path });
      return code === 0 ? 'accepted' : output;
    };
    expect(await load(text)).toBe('accepted');
    expect(await load(text.replace('stop_grace_period: 150s', 'stop_grace: 150s'))).toContain('stop_grace');
    expect(await load(text.replace('read_only: true', 'read_only: perhaps'))).toContain('read_only');
  });

  test('connects services, networks and volumes that it has', () => {
    const services = Object.keys(compose.services);
    const networks = Object.keys(compose.networks);
    const all = Object.values(compose.services);
    expect(all.flatMap((one) => Object.keys(one.depends_on ?? {})).filter((name) => !services.includes(name))).toEqual([]);
    expect(all.flatMap((one) => one.networks ?? []).filter((name) => !networks.includes(name))).toEqual([]);
    expect(all.filter((one) => (one.networks ?? []).length === 0)).toEqual([]);
  });

  test('names the file and the setting to be made when secrets are missing', async () => {
    await expect(composeText({})).rejects.toThrow('run ./make-env.sh first');
  });

  test('mounts files that exist', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    const files = mounted.filter((path) => path.startsWith('.'));
    expect(files.length).toBeGreaterThan(5);
    expect([...files, 'config/demo.yaml'].filter((path) => !existsSync(join(composeFolder, path)))).toEqual([]);
    const named = mounted.filter((path) => !path.startsWith('.'));
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  test('runs versions, never whatever is newest', () => {
    const images = Object.values(compose.services).map(({ image = '' }) => image);
    expect(images.filter((image) => !/:[^:]+$/.test(image) || image.endsWith(':latest'))).toEqual([]);
  });

  test('publishes ports on this machine only', () => {
    const ports = Object.values(compose.services).flatMap((one) => one.ports ?? []);
    expect(ports.length).toBeGreaterThan(3);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('lets no role but the ingress and the registry out of its own network', () => {
    expect(compose.networks['backend']?.internal).toBe(true);
    const inside = ['kafka', 'migrate', 'pricer', 'writer', 'provider-simulator'];
    expect(inside.map((name) => service(name).networks)).toEqual(inside.map(() => ['backend']));
  });

  test('gives each secret to whom it belongs and nobody else', () => {
    const holders = (variable: string): readonly string[] =>
      Object.entries(compose.services).flatMap(([name, { environment: given = {} }]) =>
        Object.values(given).includes(environment[variable] ?? '') ? [name] : [],
      );
    expect(holders('FINGERPRINT_SECRET')).toEqual(['ingress']);
    expect(holders('KEY_HASH_SECRET').toSorted()).toEqual(['ingress', 'registry']);
    expect(holders('DEMO_KEY')).toEqual(['registry']);
    expect(holders('REGISTRY_ADMIN_TOKEN').toSorted()).toEqual(['cli', 'registry']);
    expect(holders('CLICKHOUSE_PASSWORD').toSorted()).toEqual(['clickhouse', 'migrate', 'writer']);
    expect(holders('CLICKHOUSE_GRAFANA_PASSWORD').toSorted()).toEqual(['clickhouse', 'grafana']);
    expect(holders('GRAFANA_ADMIN_PASSWORD')).toEqual(['grafana']);
  });
});

describe('secrets', () => {
  test('are long, differ from each other and from one run of the script to the next', async () => {
    const made = [
      'REGISTRY_ADMIN_TOKEN',
      'KEY_HASH_SECRET',
      'FINGERPRINT_SECRET',
      'CLICKHOUSE_PASSWORD',
      'CLICKHOUSE_GRAFANA_PASSWORD',
      'GRAFANA_ADMIN_PASSWORD',
      'DEMO_KEY',
    ];
    const values = made.map((name) => environment[name] ?? '');
    expect(values.filter((value) => value.length < 64)).toEqual([]);
    expect(new Set(values).size).toBe(made.length);
    await using elsewhere = await makeTempDir('compose-secrets');
    expect((await makeEnvironment(elsewhere.path))['DEMO_KEY']).not.toBe(environment['DEMO_KEY']);
    expect((await makeEnvironment(folder.path))['DEMO_KEY']).toBe(environment['DEMO_KEY']);
  });
});

describe('roles', () => {
  test.each(ROLES)('%s runs alone, hardened, once the migrations are done', (role) => {
    const { command, depends_on: waits, read_only: readOnly, image } = service(role);
    expect(command).toEqual(['run', '--roles', role]);
    expect(waits?.['migrate']?.condition).toBe('service_completed_successfully');
    expect(readOnly).toBe(true);
    expect(image).toBe('tokenledger:dev');
  });

  test('the migrations wait for the broker and the database', () => {
    const { command, depends_on: waits } = service('migrate');
    expect(command).toEqual(['migrate']);
    expect([waits?.['kafka']?.condition, waits?.['clickhouse']?.condition]).toEqual(['service_healthy', 'service_healthy']);
  });

  test('the ingress keeps its data, and is given longer to stop than it takes', () => {
    const { volumes, stop_grace_period: grace, environment: given } = service('ingress');
    expect(volumes).toEqual(['ingress:/var/lib/tokenledger']);
    expect(Number.parseInt(grace ?? '', 10) * 1000).toBeGreaterThan(Number(given?.['TOKENLEDGER_SHUTDOWN_TIMEOUT_MS']) + 10_000);
  });

  test('Prometheus finds each of them by its name', () => {
    const config = parse(readFileSync(join(repositoryRoot, 'deploy', 'prometheus', 'prometheus.yaml'), 'utf8')) as {
      scrape_configs: readonly { job_name: string; dns_sd_configs?: readonly { names: readonly string[]; port: number }[] }[];
    };
    const [discovered] = config.scrape_configs.find((job) => job.job_name === 'tokenledger')?.dns_sd_configs ?? [];
    expect(discovered?.names.toSorted()).toEqual(ROLES.toSorted());
    expect(discovered?.port).toBe(8081);
  });

  test('every variable of ours is an option of the program', async () => {
    const { variables } = await knownOptions();
    expect(variables.size).toBeGreaterThan(30);
    const ours = [...ROLES, 'migrate', 'provider-simulator', 'cli'].flatMap((name) => Object.keys(service(name).environment ?? {}));
    const meant = ours.filter((name) => name.startsWith('TOKENLEDGER_') || name === 'KAFKA_BROKERS');
    expect(meant.length).toBeGreaterThan(10);
    expect(meant.filter((name) => !variables.has(name))).toEqual([]);
  });

  test.each(ROLES)('the settings that %s gets are valid', async (role) => {
    // Where the image looks for it: in the working directory.
    await cp(join(composeFolder, 'config', 'demo.yaml'), join(folder.path, 'tokenledger.yaml'));
    const env = Object.fromEntries(Object.entries(service(role).environment ?? {}).map(([name, value]) => [name, value ?? '']));
    const result = await runCli(['run', '--roles', role, '--check-config'], { cwd: folder.path, env });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('tokenledger.yaml: valid');
  });

  // The writer wants a ClickHouse server; the others start on an embedded log as they would on Kafka.
  test.each(['registry', 'ingress', 'pricer'])('%s starts with what it is given', async (role) => {
    await cp(join(composeFolder, 'config', 'demo.yaml'), join(folder.path, 'tokenledger.yaml'));
    const given = Object.entries(service(role).environment ?? {}).map(([name, value]): [string, string] => [name, value ?? '']);
    const env = {
      ...Object.fromEntries(given),
      KAFKA_BROKERS: '',
      TOKENLEDGER_LOG_ADAPTER: 'embedded',
      TOKENLEDGER_DATA_DIR: join(folder.path, role),
      ...Object.fromEntries(['ADMIN', 'INGRESS', 'REGISTRY'].map((section) => [`TOKENLEDGER_${section}_PORT`, '0'])),
    };
    await using child = startCli(['run', '--roles', role], { cwd: folder.path, env });
    await child.waitForOutput(/"msg":"ready"/, START_MS_MAX);
    expect(await child.stop('SIGTERM', STOP_MS_MAX)).toEqual({ code: 0, signal: null });
  });
});
