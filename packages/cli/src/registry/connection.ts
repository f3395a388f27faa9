/** Which registry a command talks to, and with which token. */
import { existsSync, readFileSync } from 'node:fs';
import { AppError } from '@tokenledger/domain';
import { localUrl, readRunNote } from '@tokenledger/runtime';
import { type Command, Option } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { adminTokenFile } from '../ledger-secrets.ts';
import type { Settings } from '../settings.ts';
import { registryClient, type RegistryClient } from './client.ts';

interface ConnectionOptions {
  readonly registry?: string;
  readonly tokenFile?: string;
}

/** Declares the options by which a command finds the registry, and its examples. */
export function withRegistry(command: Command, ...examples: readonly (readonly [line: string, about: string])[]): Command {
  command
    .addOption(new Option('--registry <url>', 'URL of the registry (default: the one of `tokenledger up`) (env: TOKENLEDGER_REGISTRY_URL)'))
    .addOption(
      new Option(
        '--token-file <file>',
        'file with an admin token (default: the one that `tokenledger up` made) (env, the token itself: TOKENLEDGER_ADMIN_TOKEN)',
      ),
    );
  return withExamples(withShared(command, 'config', 'data'), ...examples);
}

/** Throws `ADMIN_TOKEN_MISSING`, `REGISTRY_URL_INVALID`, and what settings throw. */
export function registryOf(command: Command): RegistryClient {
  const options = command.opts<ConnectionOptions>();
  const settings = settingsOf(command);
  return registryClient(urlOf(options, settings), tokenOf(options, settings));
}

function urlOf(options: ConnectionOptions, settings: Settings): string {
  const named = options.registry ?? settings.environment['TOKENLEDGER_REGISTRY_URL'] ?? '';
  if (named === '') {
    const { host, port } = settings.config.registry;
    return readRunNote(settings.layout)?.urls.registry ?? localUrl(host, port);
  }
  if (!URL.canParse(named) || !/^https?:/.test(named)) {
    throw new AppError('REGISTRY_URL_INVALID', `'${named}' is not the URL of a registry: write it as http://HOST:PORT`);
  }
  return named.replace(/\/+$/, '');
}

function tokenOf(options: ConnectionOptions, settings: Settings): string {
  const given = settings.environment['TOKENLEDGER_ADMIN_TOKEN'] ?? '';
  if (options.tokenFile === undefined && given !== '') return given;
  const file = options.tokenFile ?? adminTokenFile(settings.layout);
  const token = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (token !== '') return token;
  throw new AppError(
    'ADMIN_TOKEN_MISSING',
    `there is no admin token in ${file}: set TOKENLEDGER_ADMIN_TOKEN, name a file with --token-file, or the data directory of \`tokenledger up\` with --data`,
  );
}
