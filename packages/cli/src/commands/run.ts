/** `tokenledger run`: some roles in this process, as a deployment does. */
import { createLogger, selectRoles } from '@tokenledger/runtime';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { compose, ROLE_NAMES, type RoleName } from '../compose.ts';
import { checkDocuments } from '../control-view.ts';
import { hasDocuments } from '../demo/documents.ts';
import { recordOtherUse } from '../demo/record.ts';
import { runUntilStopped } from '../process-run.ts';
import type { Settings } from '../settings.ts';
import { checkConfigOption, checkedConfig } from './check-config.ts';

export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Run some roles in this process: with Kafka any of them, in as many processes as needed; on the embedded log of a data directory, all that share it.',
    )
    .requiredOption('--roles <names>', `comma-separated, of: ${ROLE_NAMES.join(', ')}`)
    .addOption(checkConfigOption())
    .action(async (options: { readonly roles: string; readonly checkConfig?: boolean }) => {
      const roles = selectRoles(
        ROLE_NAMES,
        options.roles
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== ''),
      );
      if (options.checkConfig === true) return checkedConfig(command, false);
      return runRoles(settingsOf(command), roles);
    });
  return withExamples(
    withShared(command, 'config', 'data', 'ingressPort', 'adminPort', 'registryPort'),
    ['KAFKA_BROKERS=kafka:9092 CLICKHOUSE_URL=http://ch:8123 tokenledger run --roles writer', 'one role of a deployment'],
    [
      'tokenledger run --roles registry,ingress,pricer,writer --config tokenledger.yaml',
      'all roles, with the ClickHouse of clickhouse.url',
    ],
  );
}

async function runRoles(settings: Settings, roles: readonly RoleName[]): Promise<void> {
  const { config, layout } = settings;
  const logger = createLogger({ level: config.logging.level === 'auto' ? 'info' : config.logging.level, format: config.logging.format });
  for (const warning of settings.warnings) logger.warn(warning);
  if (roles.includes('registry')) checkDocuments(settings, { demo: false, secrets: roles.includes('ingress') ? 'all' : 'keys' });
  else if (hasDocuments(config.documents))
    logger.warn('documents of the config file are for the registry role, which this process does not run: they are not used here');
  await runUntilStopped({
    settings,
    roles,
    listens: [...(['ingress', 'registry'] as const).filter((role) => roles.includes(role)), 'admin'],
    say: (line) => logger.info(line.trim()),
    complain: (line) => logger.error(line),
    prepare: () => {
      recordOtherUse(layout, new Date());
      const clickhouse = roles.includes('writer') ? 'configured' : 'none';
      return compose({ settings, roles, logger, demo: undefined, localAdmin: false, clickhouse, topicDuty: 'require' });
    },
    onReady: (composition) => logger.info({ urls: composition.urls(), roles }, 'ready'),
  });
}
