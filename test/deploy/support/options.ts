/** The options of the program as docs/configuration.md lists them; a test of the command line holds that page to the program. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../support/repository.ts';

export interface KnownOptions {
  readonly variables: ReadonlySet<string>;
  /** As `section.option`. */
  readonly paths: ReadonlySet<string>;
}

export async function knownOptions(): Promise<KnownOptions> {
  const page = await readFile(join(repositoryRoot, 'docs', 'configuration.md'), 'utf8');
  // Of commands, not of the config file.
  const variables = new Set(['TOKENLEDGER_CONFIG', 'TOKENLEDGER_REGISTRY_URL', 'TOKENLEDGER_ADMIN_TOKEN']);
  const paths = new Set<string>();
  let section = '';
  for (const line of page.split('\n')) {
    section = /^## `(\w+)`/.exec(line)?.[1] ?? section;
    const [, option, variable] = /^\| `(\w+)` \| ([^|]+) \|/.exec(line) ?? [];
    if (option === undefined || variable === undefined) continue;
    paths.add(`${section}.${option}`);
    for (const [, name = ''] of variable.matchAll(/`(\w+)`/g)) variables.add(name);
  }
  return { variables, paths };
}
