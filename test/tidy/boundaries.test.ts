// Proves that the linter's boundary rules fire: it runs with this repository's configuration on a small tree of the same shape, full of bad files.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { badFiles, cycleHalves, goodFiles } from './boundary-cases.ts';
import { foldersOf } from './repository-files.ts';

interface Diagnostic {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly filename: string;
}

let tree: TempDir;
let diagnostics: readonly Diagnostic[];

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree.path, path)), { recursive: true });
  await writeFile(join(tree.path, path), text);
}

function packageName(path: string): string | undefined {
  return /^(?:packages|services)\/([^/]+)\//.exec(path)?.[1];
}

/** Copies what the linter reads from the repository and links the tree's packages as the package manager does. */
async function buildTree(): Promise<void> {
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'tsconfig.base.json']) {
    await copyFile(join(repositoryRoot, file), join(tree.path, file));
  }
  await mkdir(join(tree.path, 'node_modules', '@tokenledger'), { recursive: true });
  for (const name of ['@types', 'vitest']) await symlink(join(repositoryRoot, 'node_modules', name), join(tree.path, 'node_modules', name));
  const files = [...goodFiles, ...cycleHalves, ...badFiles];
  for (const { path, source } of files) await write(path, `${source}\n`);
  for (const folder of new Set(files.map(({ path }) => path.split('/').slice(0, 2).join('/')))) {
    const name = packageName(`${folder}/`);
    if (name === undefined) continue;
    await write(
      `${folder}/package.json`,
      JSON.stringify({ name: `@tokenledger/${name}`, type: 'module', exports: { '.': './src/index.ts' } }),
    );
    await symlink(join(tree.path, folder), join(tree.path, 'node_modules', '@tokenledger', name));
  }
}

/** Runs the linter in the tree. It ends with an exit code of 1 when it found something, as it must here. */
function lint(): Promise<readonly Diagnostic[]> {
  return new Promise((resolve, reject) => {
    const program = join(repositoryRoot, 'node_modules', '.bin', 'oxlint');
    const path = `${join(repositoryRoot, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
    execFile(
      program,
      ['--format', 'json'],
      { cwd: tree.path, env: { ...process.env, PATH: path }, maxBuffer: 2 ** 26 },
      (_, stdout, stderr) => {
        try {
          const report = JSON.parse(stdout) as { readonly diagnostics: readonly Diagnostic[] };
          resolve(report.diagnostics);
        } catch (cause) {
          reject(new Error(`the linter gave no report: ${stdout}${stderr}`, { cause }));
        }
      },
    );
  });
}

function found(path: string): readonly Diagnostic[] {
  return diagnostics.filter(({ filename }) => filename.endsWith(path));
}

beforeAll(async () => {
  tree = await makeTempDir('boundaries');
  await buildTree();
  diagnostics = await lint();
});

afterAll(() => tree[Symbol.asyncDispose]());

describe('the linter refuses', () => {
  test.each(badFiles)('$refuses', ({ path, rule, message }) => {
    const ofRule = found(path).filter(({ code }) => code === rule);
    expect(ofRule, `findings in ${path}: ${JSON.stringify(found(path))}`).not.toEqual([]);
    expect(ofRule.map((one) => `${one.message} ${one.help ?? ''}`).join('\n')).toMatch(message ?? /./);
  });
});

test('the linter lets pass what each boundary allows', () => {
  expect(goodFiles.flatMap(({ path }) => found(path))).toEqual([]);
});

test('every service is on the list of those that packages and other services may not import', async () => {
  const config = await readFile(join(repositoryRoot, '.oxlintrc.json'), 'utf8');
  const listed = /@tokenledger\/\(([a-z|-]+)\)\$",\s*"message": "Packages never import services/.exec(config)?.[1]?.split('|');
  expect(listed).toEqual(expect.arrayContaining([...(await foldersOf('services'))]));
});
