/** The compose file as Compose would see it: YAML with its merges, and `${NAME}` replaced. */
import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { repositoryRoot } from '../../support/repository.ts';

export const composeFolder: string = join(repositoryRoot, 'deploy', 'compose');

export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** What make-env.sh writes, made in `folder`. */
export async function makeEnvironment(folder: string): Promise<Readonly<Record<string, string>>> {
  const script = join(folder, 'make-env.sh');
  await cp(join(composeFolder, 'make-env.sh'), script);
  await promisify(execFile)('sh', [script]);
  const lines = (await readFile(join(folder, '.env'), 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** The text of compose.yaml with each variable replaced. Throws where one that must be set is not. */
export async function composeText(environment: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(composeFolder, 'compose.yaml'), 'utf8');
  return text.replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_whole, name: string, operator: string | undefined, rest: string | undefined) => {
      const value = environment[name] ?? '';
      if (value !== '') return value;
      if (operator === '-') return rest ?? '';
      throw new Error(`${name} is not set: ${rest ?? 'it has no default'}`);
    },
  );
}

export async function readComposeFile(environment: Readonly<Record<string, string>>): Promise<ComposeFile> {
  return parse(await composeText(environment), { merge: true }) as ComposeFile;
}
