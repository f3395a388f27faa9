/** `tokenledger doctor`: looks at everything a start depends on; each failure comes with its fix. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '@tokenledger/domain';
import { openEmbeddedLog, topicNames } from '@tokenledger/event-log';
import { lockDataDir, readRunNote, requireFreePort, type RunNote } from '@tokenledger/runtime';
import { Command } from 'commander';

import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { checkDocuments } from '../control-view.ts';
import { clickhouseUrl } from '../clickhouse-address.ts';
import { clickhouseAt, requireMigrated } from '../clickhouse-tables.ts';
import { countNote, usesKafka } from '../event-log.ts';
import { isDemo } from '../demo/documents.ts';
import { EXIT, endingOf } from '../exit.ts';
import { checkKafka } from '../kafka-checks.ts';
import type { Settings } from '../settings.ts';
import { RELEASED_AT } from '../version.ts';

interface Check {
  readonly name: string;
  /** Gives what is well; throws `AppError` whose message says what to do. */
  run(): string | Promise<string>;
}

const NODE_OLDEST = [24, 12] as const;
const FREE_BYTES_MIN = 1_000_000_000;
const CLOCK_WAIT_MS = 200;
const CLOCK_DRIFT_MS_MAX = 100;
const ANSWER_TIMEOUT_MS = 2_000;

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Check Node, disk, clock, ports, documents, the log and ClickHouse; say how to fix what fails.')
    .action(async () => {
      const healthy = await examine(await checksFor(settingsOf(command)), (line) => console.log(line));
      process.exitCode = healthy ? EXIT.ok : EXIT.failed;
    });
  return withExamples(withShared(command, 'config', 'data', 'ingressPort', 'clickhousePort', 'adminPort', 'registryPort', 'demo'), [
    'tokenledger doctor --data /var/lib/tokenledger',
    'before a start, or when something is odd',
  ]);
}

/** Runs every check, whatever the others say. Gives whether all are well. */
async function examine(checks: readonly Check[], say: (line: string) => void): Promise<boolean> {
  let healthy = true;
  for (const check of checks) {
    try {
      say(`ok    ${check.name.padEnd(16)}${await check.run()}`);
    } catch (error) {
      healthy = false;
      say(`FAIL  ${check.name.padEnd(16)}${endingOf(error).text.replace(/^tokenledger: /, '')}`);
    }
  }
  return healthy;
}

async function checksFor(settings: Settings): Promise<readonly Check[]> {
  const running = await runningNote(settings);
  const { config, layout } = settings;
  const ports = [
    { section: 'ingress', host: config.ingress.host, port: config.ingress.port, ours: running?.urls.ingress },
    ...(config.clickhouse.url === ''
      ? [{ section: 'clickhouse', host: config.clickhouse.host, port: config.clickhouse.port, ours: running?.urls.clickhouse }]
      : []),
    { section: 'admin', host: config.admin.host, port: config.admin.port, ours: running?.urls.admin },
    { section: 'registry', host: config.registry.host, port: config.registry.port, ours: running?.urls.registry },
  ];
  return [
    { name: 'node', run: checkNode },
    { name: 'disk', run: () => checkDisk(existingParent(layout.root)) },
    { name: 'data directory', run: () => checkDataDir(settings, running) },
    { name: 'clock', run: checkClock },
    ...ports.map((target): Check => ({ name: `${target.section} port`, run: () => checkPort(target) })),
    { name: 'documents', run: () => checkDocuments(settings, { demo: isDemo(settings), secrets: 'all' }) },
    { name: 'event log', run: () => checkLog(settings, running) },
    { name: 'clickhouse', run: () => checkClickHouse(settings, running) },
  ];
}

/** The note of a process that still holds the data directory and answers. */
async function runningNote(settings: Settings): Promise<RunNote | undefined> {
  const note = readRunNote(settings.layout);
  if (note?.urls.admin === undefined) return undefined;
  try {
    const answer = await fetch(`${note.urls.admin}/healthz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return answer.ok ? note : undefined;
  } catch {
    return undefined; // a note that a crash left behind
  }
}

function checkNode(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = NODE_OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return process.version;
  throw new AppError(
    'CHECK_FAILED',
    `${process.version} is too old: use Node ${NODE_OLDEST.join('.')} or newer, or start with npm, which brings one`,
  );
}

function checkDisk(path: string): string {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const shown = `${(free / 1e9).toFixed(1)} GB free`;
  if (free >= FREE_BYTES_MIN) return shown;
  throw new AppError(
    'CHECK_FAILED',
    `only ${shown} at ${path}: free at least ${FREE_BYTES_MIN / 1e9} GB, or choose another place with --data DIR`,
  );
}

function checkDataDir(settings: Settings, running: RunNote | undefined): string {
  const { layout, dataDirShown: shown } = settings;
  if (running !== undefined) return `${shown}, in use by process ${running.pid} since ${running.started_at}`;
  if (!existsSync(layout.root)) {
    const parent = existingParent(layout.root);
    try {
      accessSync(parent, constants.W_OK);
    } catch (cause) {
      throw new AppError(
        'DATA_DIR_UNWRITABLE',
        `${shown} cannot be made below ${parent}: correct its permissions, or choose another with --data DIR`,
        { cause },
      );
    }
    return `${shown}, made at the first start`;
  }
  lockDataDir(layout).release();
  return `${shown}, writable`;
}

async function checkClock(): Promise<string> {
  const now = Date.now();
  if (now < RELEASED_AT)
    throw new AppError('CHECK_FAILED', `the clock says ${new Date(now).toISOString()}, before this version was made: set it (NTP)`);
  const steadyMs = performance.now();
  await wait(CLOCK_WAIT_MS);
  const driftMs = Math.abs(Date.now() - now - (performance.now() - steadyMs));
  if (driftMs > CLOCK_DRIFT_MS_MAX)
    throw new AppError('CHECK_FAILED', `the clock jumped by ${Math.round(driftMs)} ms while it was watched: let NTP slew it, not step it`);
  return new Date(now).toISOString();
}

async function checkPort(target: {
  readonly section: string;
  readonly host: string;
  readonly port: number;
  readonly ours: string | undefined;
}): Promise<string> {
  if (target.ours !== undefined) return `in use by us: ${target.ours}`;
  if (target.port === 0) return 'any free one';
  await requireFreePort(target);
  return `${target.host}:${target.port} is free`;
}

async function checkLog(settings: Settings, running: RunNote | undefined): Promise<string> {
  const { layout, config } = settings;
  if (usesKafka(settings)) return checkKafka(settings);
  if (!existsSync(layout.log)) return 'none yet: made at the first start';
  const log = openEmbeddedLog({ directory: layout.log, readOnly: true });
  try {
    const topic = await log.describeTopic(topicNames(config.log.topic_prefix).usageEvents);
    if (topic === null) return 'no topics yet: made at the next start';
    if (topic.partitions !== config.log.partitions && settings.origins.has('log.partitions')) {
      return countNote(topic.partitions, config.log.partitions);
    }
    return `${topic.partitions} partitions${running === undefined ? '' : ', in use'}`;
  } finally {
    await log.close();
  }
}

async function checkClickHouse(settings: Settings, running: RunNote | undefined): Promise<string> {
  const { url } = settings.config.clickhouse;
  if (url === '' && running === undefined) return 'embedded: starts with `tokenledger up`';
  const clickhouse = clickhouseAt(clickhouseUrl(settings), settings);
  try {
    await clickhouse.ping();
    await requireMigrated(clickhouse);
    return `${clickhouse.url}, tables are current`;
  } finally {
    await clickhouse.close();
  }
}

function existingParent(path: string): string {
  return existsSync(path) ? path : existingParent(dirname(path));
}
