/** Gathers the error codes that packages and services declare, and renders the page that explains them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/repository.ts';
import { foldersOf } from './repository-files.ts';

export interface CodeOwner {
  /** The folder, such as `packages/runtime`. */
  readonly folder: string;
  readonly codes: Readonly<Record<string, string>>;
}

function isCodeTable(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}

/** Every `ERRORS` constant of a `src/errors.ts`. A package without codes of its own has none. */
export async function codeOwners(): Promise<readonly CodeOwner[]> {
  const folders = [
    ...(await foldersOf('packages')).map((name) => `packages/${name}`),
    ...(await foldersOf('services')).map((name) => `services/${name}`),
  ];
  const owners: CodeOwner[] = [];
  for (const folder of folders) {
    const file = join(repositoryRoot, folder, 'src', 'errors.ts');
    if (!existsSync(file)) continue;
    const module = (await import(file)) as Readonly<Record<string, unknown>>;
    if (module['ERRORS'] === undefined) continue;
    if (!isCodeTable(module['ERRORS'])) throw new Error(`${folder}/src/errors.ts: ERRORS is not a table from codes to sentences`);
    owners.push({ folder, codes: module['ERRORS'] });
  }
  return owners;
}

const introduction = `# Errors

Every error that Tokenledger answers, throws or records carries one of these codes. The text beside a code is kept with the code itself
(\`src/errors.ts\` of its package); this page is written from there by \`npm test -- --project tidy -u\`, and a test holds both together.
`;

/** docs/errors.md: a table for each package or service, in the order of their folders; codes in alphabetical order. */
export function renderErrorsPage(owners: readonly CodeOwner[]): string {
  const sections = owners.map(({ folder, codes }) => {
    const rows = Object.keys(codes)
      .sort()
      .map((code) => `| \`${code}\` | ${(codes[code] ?? '').replaceAll('|', '\\|')} |`);
    return [`## ${folder}`, '', '| code | meaning and fix |', '| --- | --- |', ...rows, ''].join('\n');
  });
  return [introduction, ...sections].join('\n');
}
