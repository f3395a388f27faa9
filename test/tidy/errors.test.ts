// Holds the error codes in the source and the page that explains them together, in both directions.
import { beforeAll, describe, expect, test } from 'vitest';
import { codeOwners, renderErrorsPage, type CodeOwner } from './error-codes.ts';
import { readRepositoryFile, sourceFiles } from './repository-files.ts';

let owners: readonly CodeOwner[];
let production: readonly { readonly path: string; readonly text: string }[];

beforeAll(async () => {
  owners = await codeOwners();
  const paths = (await sourceFiles()).filter((path) => /^(packages|services)\//.test(path) && !path.endsWith('.test.ts'));
  production = await Promise.all(paths.map(async (path) => ({ path, text: await readRepositoryFile(path) })));
});

describe('error codes', () => {
  test('docs/errors.md explains each code that exists and no other', async () => {
    await expect(renderErrorsPage(owners)).toMatchFileSnapshot('../../docs/errors.md');
  });

  test('a code belongs to one package only', () => {
    const all = owners.flatMap(({ folder, codes }) => Object.keys(codes).map((code) => ({ code, folder })));
    expect(all.filter(({ code }, at) => all.findIndex((other) => other.code === code) !== at)).toEqual([]);
  });

  test('a code is written in capitals and its text is a sentence', () => {
    const texts = owners.flatMap(({ codes }) => Object.entries(codes));
    expect(texts.filter(([code, text]) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code) || !/^[A-Z`].{10,}[.]$/s.test(text))).toEqual([]);
  });

  test('a code that the source uses is declared', () => {
    const declared = new Set(owners.flatMap(({ codes }) => Object.keys(codes)));
    const used = production.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:\brejected|\bnew AppError|\bError)\(\s*'([A-Z][A-Z0-9_]+)'/g)].map((match) => ({ path, code: match[1] ?? '' })),
    );
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter(({ code }) => !declared.has(code))).toEqual([]);
  });

  test('a declared code is used by its package', () => {
    const unused = owners.flatMap(({ folder, codes }) => {
      const own = production.filter(({ path }) => path.startsWith(`${folder}/`) && path !== `${folder}/src/errors.ts`);
      return Object.keys(codes).filter((code) => !own.some(({ text }) => new RegExp(`\\b${code}\\b`).test(text)));
    });
    expect(unused).toEqual([]);
  });
});
