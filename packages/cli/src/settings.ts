/** Everything a command needs to know before it does anything: all sections, where the files are, whether it is a demo. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { documentsSection } from '@tokenledger/control';
import { ingressConfig } from '@tokenledger/ingress';
import { pricerConfig } from '@tokenledger/pricer';
import {
  dataLayout,
  defineSection,
  loadConfig,
  runtimeSections,
  type ConfigOf,
  type DataLayout,
  type FlagValue,
  type Origin,
} from '@tokenledger/runtime';
import { tracingConfig } from '@tokenledger/tracing';
import { registryConfig } from '@tokenledger/registry';
import { writerConfig } from '@tokenledger/writer';
import { demoConfig } from './demo/config.ts';
import { controlConfig } from './ledger-secrets.ts';

/** Every section, in the order of the reference page. */
export const SECTIONS = [
  ...runtimeSections,
  defineSection('ingress', { about: 'The proxy that applications talk to.', schema: ingressConfig }),
  defineSection('pricer', { about: 'Rates events at the price in force when they were served.', schema: pricerConfig }),
  defineSection('writer', { about: 'Writes priced events to ClickHouse.', schema: writerConfig }),
  defineSection('tracing', {
    about: 'Traces of requests for OpenTelemetry; see [opentelemetry.md](opentelemetry.md).',
    schema: tracingConfig,
    alsoEnvironment: { endpoint: 'OTEL_EXPORTER_OTLP_ENDPOINT', service_name: 'OTEL_SERVICE_NAME' },
  }),
  defineSection('registry', { about: 'The admin API, and who may use it.', schema: registryConfig }),
  defineSection('control', { about: 'How control documents are kept.', schema: controlConfig }),
  defineSection('demo', { about: 'The demo of `tokenledger up`.', schema: demoConfig, environment: { enabled: 'TOKENLEDGER_DEMO' } }),
  defineSection('documents', {
    about:
      'The control documents: what the registry manages in a running system. A secret is given by reference: `env:NAME`, or `file:PATH` relative to `data.dir`.',
    schema: documentsSection,
  }),
] as const;

export type Config = ConfigOf<typeof SECTIONS>;

export interface Settings {
  readonly config: Config;
  /** Absolute. */
  readonly layout: DataLayout;
  /** The data directory as it was written, for messages. */
  readonly dataDirShown: string;
  readonly file: string | undefined;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly warnings: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface SettingsSources {
  /** `--config`; undefined: `TOKENLEDGER_CONFIG`, else `tokenledger.yaml` in the working directory if there is one. */
  readonly file: string | undefined;
  readonly flags: readonly FlagValue[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDir: string;
}

const DEFAULT_FILE = 'tokenledger.yaml';
/** Variables with our prefix that are no options. */
const OTHER_VARIABLES = ['TOKENLEDGER_CONFIG', 'TOKENLEDGER_REGISTRY_URL', 'TOKENLEDGER_ADMIN_TOKEN'];

/** Throws `CONFIG_INVALID`, `CONFIG_UNREADABLE`. */
export function loadSettings(sources: SettingsSources): Settings {
  const given = sources.file ?? (sources.environment['TOKENLEDGER_CONFIG'] || undefined);
  const file = given ?? (existsSync(join(sources.workingDir, DEFAULT_FILE)) ? DEFAULT_FILE : undefined);
  const { config, origins, warnings } = loadConfig(SECTIONS, {
    flags: sources.flags,
    environment: sources.environment,
    otherVariables: OTHER_VARIABLES,
    file: file === undefined || isAbsolute(file) ? file : join(sources.workingDir, file),
  });
  return {
    config,
    layout: dataLayout(resolve(sources.workingDir, config.data.dir)),
    dataDirShown: config.data.dir,
    file: file === undefined ? undefined : resolve(sources.workingDir, file),
    origins,
    warnings,
    environment: sources.environment,
  };
}

/** A path in the config file is relative to that file. */
export function besideConfig(settings: Settings, path: string): string {
  return settings.file === undefined ? resolve(path) : resolve(dirname(settings.file), path);
}
