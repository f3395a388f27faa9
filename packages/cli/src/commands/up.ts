/** `tokenledger up`: everything in one process, with a demo where nothing is configured. */
import { createLogger } from '@tokenledger/runtime';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { compose, ROLE_NAMES, type Composition } from '../compose.ts';
import { checkDocuments } from '../control-view.ts';
import { demoPlan, hasDocuments, isDemo, type DemoPlan } from '../demo/documents.ts';
import { recordDemoUse, recordOtherUse } from '../demo/record.ts';
import { greeting, programName } from '../greeting.ts';
import { runUntilStopped } from '../process-run.ts';
import type { Settings } from '../settings.ts';
import { VERSION } from '../version.ts';
import { checkConfigOption, checkedConfig } from './check-config.ts';

const SECOND_MS = 1000;

export function upCommand(): Command {
  const command = new Command('up')
    .description('Start everything in one process: event log, ClickHouse, all roles, and a demo where no documents are configured.')
    .addOption(checkConfigOption())
    .action(async (options: { readonly checkConfig?: boolean }) => {
      if (options.checkConfig === true) return checkedConfig(command, true);
      return up(settingsOf(command));
    });
  return withExamples(
    withShared(command, 'config', 'data', 'ingressPort', 'clickhousePort', 'adminPort', 'registryPort', 'demo'),
    ['tokenledger up', 'with the demo, on ports 8080, 8123, 8081 and 8082'],
    ['tokenledger up --config tokenledger.yaml', 'with your own tenants, keys and channels'],
    ['OPENAI_API_KEY=… tokenledger up', 'the demo, with the real OpenAI behind it'],
    ['tokenledger up --ingress-port 0 --clickhouse-port 0 --admin-port 0 --registry-port 0', 'on any free ports'],
  );
}

async function up(settings: Settings): Promise<void> {
  const say = (line: string): void => console.log(line);
  const { config, layout } = settings;
  const level = config.logging.level === 'auto' ? 'warn' : config.logging.level;
  const logger = createLogger({ level, format: config.logging.format });
  for (const warning of settings.warnings) logger.warn(warning);
  const demo = isDemo(settings) ? demoPlan(settings) : undefined;
  checkDocuments(settings, { demo: demo !== undefined, secrets: 'all' });
  const beganMs = performance.now();
  await runUntilStopped({
    settings,
    roles: ROLE_NAMES,
    listens: ['ingress', ...(config.clickhouse.url === '' ? (['clickhouse'] as const) : []), 'admin', 'registry'],
    say,
    complain: say,
    prepare: () => {
      say(`Tokenledger ${VERSION}`);
      if (demo === undefined) recordOtherUse(layout, new Date());
      else recordDemoUse(layout, config.clickhouse.url, new Date());
      return compose({
        settings,
        roles: ROLE_NAMES,
        logger,
        demo,
        clickhouse: 'embedded_or_configured',
        localAdmin: true,
        topicDuty: 'create',
      });
    },
    onReady: (composition) => {
      say(`Ready after ${((performance.now() - beganMs) / SECOND_MS).toFixed(1)} s.`);
      say(greetingFor(settings, composition, demo));
    },
  });
}

function greetingFor(settings: Settings, composition: Composition, demo: DemoPlan | undefined): string {
  const { ingress = '', clickhouse = '', admin = '', registry = '' } = composition.urls();
  const [firstKey] = demo?.documents.virtual_keys ?? [];
  const notes = (simulated: boolean) => (demo?.documents.channels ?? []).filter((channel) => demo?.simulated.has(channel.id) === simulated);
  return greeting({
    settings,
    urls: { ingress, clickhouse, admin, registry },
    program: programName(settings.environment, process.argv[1] ?? '', process.cwd()),
    hasKeys: hasDocuments(settings.config.documents),
    demo:
      firstKey === undefined
        ? undefined
        : {
            key: composition.control().readSecret(firstKey.secret),
            simulated: notes(true),
            real: notes(false),
            requestsPerSecond: settings.config.demo.requests_per_s,
          },
  });
}
