/** `tokenledger topics`: which topics there are, and more partitions for those of usage. */
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '@tokenledger/domain';
import {
  type EventLog,
  growUsageTopics,
  type Lag,
  lags,
  type TopicDescription,
  topicNames,
  type Topics,
  usageTopics,
} from '@tokenledger/event-log';
import { createLogger } from '@tokenledger/runtime';
import { Command, InvalidArgumentError } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { withLog } from '../event-log.ts';
import { textTable } from '../registry/text-table.ts';
import type { Settings } from '../settings.ts';

/** Longer than an ingress that is alive stays silent: it gathers events for some milliseconds, and tries again after some seconds. */
const QUIET_S = 6;
const LOOK_MS = 500;
const SECOND_MS = 1_000;
const PARTITIONS_MAX = 1_024;
const SECONDS_MAX = 86_400;

export function topicsCommand(): Command {
  return new Command('topics')
    .description('Look at the topics of the event log, and let them grow.')
    .addCommand(listCommand())
    .addCommand(growCommand());
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Every topic: its partitions, how it is cleaned, and how many records it keeps.')
    .action(async () => {
      const settings = settingsOf(command);
      await withLog(settings, { logger: loggerOf(settings), readOnly: true }, async (log) =>
        console.log(await topicTable(log, topicsOf(settings))),
      );
    });
  return withExamples(withShared(command, 'config', 'data'), ['KAFKA_BROKERS=kafka:9092 tokenledger topics list', 'those in Kafka']);
}

interface GrowOptions {
  readonly partitions: number;
  readonly wait: number;
  readonly quiet: number;
}

function growCommand(): Command {
  const command = new Command('grow')
    .description(
      'Raise the partitions of every usage topic. Stop the ingresses first, and let pricers and writers run: growing waits until they have read everything, so that the events of a key stay in order.',
    )
    .requiredOption('--partitions <n>', 'how many each usage topic is to have', wholeNumber(1, PARTITIONS_MAX))
    .option('--wait <seconds>', 'how long to wait for that', wholeNumber(0, SECONDS_MAX), 120)
    .option('--quiet <seconds>', 'for how long nobody may have written', wholeNumber(0, SECONDS_MAX), QUIET_S)
    .action(async (options: GrowOptions) => {
      const settings = settingsOf(command);
      const say = (line: string): void => console.log(line);
      await withLog(settings, { logger: loggerOf(settings), readOnly: false }, (log) => grow(log, topicsOf(settings), options, say));
    });
  return withExamples(withShared(command, 'config', 'data'), [
    'KAFKA_BROKERS=kafka:9092 tokenledger topics grow --partitions 12',
    'docs/running-on-kafka.md has the whole procedure',
  ]);
}

async function topicTable(log: EventLog, topics: Topics): Promise<string> {
  const rows = await Promise.all(
    Object.values(topics).map(async (topic: string) => {
      const found = await log.describeTopic(topic);
      return found === null ? [topic, 'missing', '', ''] : [topic, String(found.partitions), found.cleanup, await recordCount(log, found)];
    }),
  );
  return textTable(['TOPIC', 'PARTITIONS', 'CLEANUP', 'RECORDS'], rows);
}

/** Of a compacted topic it is an upper bound: some offsets have no record any more. */
async function recordCount(log: EventLog, { topic, cleanup }: TopicDescription): Promise<string> {
  const ranges = await log.ranges(topic);
  const records = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  return cleanup === 'compact' ? `≤ ${records}` : String(records);
}

/** Throws `TOPIC_MISSING`, `TOPIC_MISMATCH`, `TOPICS_NOT_DRAINED`. */
async function grow(log: EventLog, topics: Topics, options: GrowOptions, say: (line: string) => void): Promise<void> {
  const { partitions } = options;
  const counts = await countsOf(log, topics);
  const most = Math.max(...counts.values());
  if (partitions < most) {
    throw new AppError('TOPIC_MISMATCH', `a usage topic has ${most} partitions already, and a topic cannot shrink: name at least ${most}`);
  }
  if ([...counts.values()].every((count) => count === partitions)) {
    say(`Every usage topic has ${partitions} partitions already.`);
    return;
  }
  await untilDrained(log, topics, options, say);
  await growUsageTopics(log, topics, partitions);
  say(`Every usage topic has ${partitions} partitions now. Start pricers and writers anew, then the ingresses.`);
}

/** Partition counts by usage topic. Throws `TOPIC_MISSING`. */
async function countsOf(log: EventLog, topics: Topics): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const topic of usageTopics(topics)) {
    const found = await log.describeTopic(topic);
    if (found === null) throw new AppError('TOPIC_MISSING', `the topic ${topic} is missing: run \`tokenledger migrate\` first`);
    counts.set(topic, found.partitions);
  }
  return counts;
}

/** Resolves once nobody has written for a while and every group has committed everything. Throws `TOPICS_NOT_DRAINED`. */
async function untilDrained(log: EventLog, topics: Topics, options: GrowOptions, say: (line: string) => void): Promise<void> {
  const untilMs = performance.now() + options.wait * SECOND_MS;
  let sinceMs = performance.now();
  let ends = '';
  let said = '';
  for (;;) {
    const now = await lags(log, topics);
    const endsNow = now.map(({ range }) => range.end).join(' ');
    if (endsNow !== ends) sinceMs = performance.now();
    ends = endsNow;
    const behind = now.filter(({ records }) => records > 0);
    const quietMs = performance.now() - sinceMs;
    if (behind.length === 0 && quietMs >= options.quiet * SECOND_MS) return;
    const state = behind.length > 0 ? behindSentence(behind) : 'everything is read; waiting to see that nobody writes any more';
    if (performance.now() >= untilMs) throw notDrained(behind);
    if (state !== said) say(`  ${state} …`);
    said = state;
    await wait(LOOK_MS);
  }
}

function notDrained(behind: readonly Lag[]): AppError {
  const why =
    behind.length > 0
      ? `${behindSentence(behind)}: see that these roles run and get on`
      : 'somebody still writes events: stop every ingress';
  return new AppError('TOPICS_NOT_DRAINED', `nothing was grown, since ${why}; then try again, with a longer --wait if need be`);
}

function behindSentence(behind: readonly Lag[]): string {
  const byGroup = Object.entries(Object.groupBy(behind, ({ consumer }) => `${consumer.group} in ${consumer.topic}`));
  return byGroup.map(([where, of = []]) => `${where} is ${of.reduce((sum, { records }) => sum + records, 0)} records behind`).join(', ');
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number, at least ${least}.`);
  };
}

function topicsOf(settings: Settings): Topics {
  return topicNames(settings.config.log.topic_prefix);
}

function loggerOf(settings: Settings) {
  return createLogger({ level: 'warn', format: settings.config.logging.format });
}
