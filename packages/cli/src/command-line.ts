/** Options that commands share. Their variables are shown in `--help` and read with all the others by the config loader. */
import type { FlagValue } from '@tokenledger/runtime';
import { type Command, Option } from 'commander';
import { loadSettings, type Settings } from './settings.ts';

type SharedName = 'config' | 'data' | 'ingressPort' | 'clickhousePort' | 'adminPort' | 'registryPort' | 'demo';

interface Shared {
  readonly options: readonly Option[];
  /** Undefined: not an option of the config file. */
  readonly sets?: { readonly flag: string; readonly section: string; readonly option: string };
}

const SHARED: Readonly<Record<SharedName, Shared>> = {
  config: {
    options: [
      option('--config <file>', 'config file (default: tokenledger.yaml in the working directory, if there is one)', 'TOKENLEDGER_CONFIG'),
    ],
  },
  data: {
    options: [option('--data <dir>', 'data directory (default: .tokenledger)', 'TOKENLEDGER_DATA_DIR')],
    sets: { flag: '--data', section: 'data', option: 'dir' },
  },
  ingressPort: {
    options: [portOption('--ingress-port <port>', 'port of the ingress; 0: any free one (default: 8080)', 'TOKENLEDGER_INGRESS_PORT')],
    sets: { flag: '--ingress-port', section: 'ingress', option: 'port' },
  },
  clickhousePort: {
    options: [
      portOption(
        '--clickhouse-port <port>',
        'port of the embedded ClickHouse; 0: any free one (default: 8123)',
        'TOKENLEDGER_CLICKHOUSE_PORT',
      ),
    ],
    sets: { flag: '--clickhouse-port', section: 'clickhouse', option: 'port' },
  },
  adminPort: {
    options: [portOption('--admin-port <port>', 'port of the admin server; 0: any free one (default: 8081)', 'TOKENLEDGER_ADMIN_PORT')],
    sets: { flag: '--admin-port', section: 'admin', option: 'port' },
  },
  registryPort: {
    options: [portOption('--registry-port <port>', 'port of the registry; 0: any free one (default: 8082)', 'TOKENLEDGER_REGISTRY_PORT')],
    sets: { flag: '--registry-port', section: 'registry', option: 'port' },
  },
  demo: {
    options: [
      option(
        '--demo',
        'demo tenants, a provider simulator and light traffic (default: when no documents are configured)',
        'TOKENLEDGER_DEMO',
      ),
      option('--no-demo', 'none of that'),
    ],
    sets: { flag: '--demo', section: 'demo', option: 'enabled' },
  },
};

/** The variable is only shown: the config loader reads it, so that a wrong value is reported in the same way wherever it stands. */
function option(flags: string, about: string, variable?: string): Option {
  return new Option(flags, variable === undefined ? about : `${about} (env: ${variable})`);
}

function portOption(flags: string, about: string, variable: string): Option {
  return option(flags, about, variable).argParser((text) => (/^\d+$/.test(text) ? Number(text) : text));
}

/** Declares shared options on a command. */
export function withShared(command: Command, ...names: readonly SharedName[]): Command {
  for (const name of names) for (const option of SHARED[name].options) command.addOption(option);
  return command;
}

/** Settings from the options given on the command line, the environment and the file. Throws `CONFIG_INVALID`, `CONFIG_UNREADABLE`. */
export function settingsOf(command: Command): Settings {
  const given = (name: SharedName): unknown => (command.getOptionValueSource(name) === 'cli' ? command.getOptionValue(name) : undefined);
  const flags: FlagValue[] = [];
  for (const [name, shared] of Object.entries(SHARED)) {
    const value = given(name as SharedName);
    if (shared.sets !== undefined && value !== undefined) flags.push({ ...shared.sets, value });
  }
  const file = given('config');
  return loadSettings({
    file: typeof file === 'string' ? file : undefined,
    flags,
    environment: process.env,
    workingDir: process.cwd(),
  });
}

/** `--help` ends with examples. */
export function withExamples(command: Command, ...examples: readonly (readonly [line: string, about: string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  return command.addHelpText(
    'after',
    `\nExamples:\n${examples.map(([line, about]) => `  $ ${line.padEnd(width)}   ${about}`).join('\n')}\n`,
  );
}
