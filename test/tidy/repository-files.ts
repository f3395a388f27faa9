/** Lists and reads the repository's own files, without what is installed, generated or git's. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../support/repository.ts';

const notOurs = new Set(['node_modules', '.git', '.tokenledger', '.vitest', 'coverage']);

async function walk(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(repositoryRoot, folder), { withFileTypes: true });
  const nested = entries
    .filter(({ name }) => !notOurs.has(name) && !name.endsWith('.log'))
    .map(async (entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return walk(path);
      return entry.isFile() ? [path] : [];
    });
  return (await Promise.all(nested)).flat();
}

/** All files of the repository, as sorted paths relative to its root, with slashes. */
export async function repositoryFiles(): Promise<readonly string[]> {
  return [...(await walk(''))].sort();
}

/** The TypeScript and JavaScript of packages, services, tests and scripts. */
export async function sourceFiles(): Promise<readonly string[]> {
  return (await repositoryFiles()).filter((path) => /^(packages|services|test|scripts)\/.*\.(ts|mts|mjs|js)$/.test(path));
}

export function readRepositoryFile(path: string): Promise<string> {
  return readFile(join(repositoryRoot, path), 'utf8');
}

/** The names of the workspace packages below `packages` or `services`. */
export async function foldersOf(parent: 'packages' | 'services'): Promise<readonly string[]> {
  const entries = await readdir(join(repositoryRoot, parent));
  return entries.filter((name) => existsSync(join(repositoryRoot, parent, name, 'package.json'))).sort();
}
