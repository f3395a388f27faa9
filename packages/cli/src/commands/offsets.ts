/** `tokenledger offsets`: how far each group has come, and where it shall go on after its log was replaced or lost a part. */
import { AppError } from '@tokenledger/domain';
import { type Consumer, consumers, type EventLog, type Lag, lagsOf, topicNames } from '@tokenledger/event-log';
import { createLogger } from '@tokenledger/runtime';
import { Command, InvalidArgumentError, Option } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { withLog } from '../event-log.ts';
import { textTable } from '../registry/text-table.ts';
import type { Settings } from '../settings.ts';
import { wholeNumber } from './topics.ts';

/** The names do not depend on the prefix. */
const GROUP_NAMES = consumers(topicNames('')).map(({ group }) => group);

type Target = 'start' | 'end' | number;

interface SetOptions {
  readonly group: string;
  readonly partition?: number;
  readonly to: Target;
}

export function offsetsCommand(): Command {
  return new Command('offsets')
    .description('Look at what the groups have committed, and set it where a partition has stopped for good.')
    .addCommand(showCommand())
    .addCommand(setCommand());
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Each group and partition: what is committed, what the log keeps, and how many records are to be read.')
    .addOption(new Option('--group <name>', 'this group alone').choices(GROUP_NAMES))
    .action(async (options: { readonly group?: string }) => {
      const settings = settingsOf(command);
      await withLog(settings, { logger: loggerOf(settings), readOnly: true }, async (log) => {
        const wanted = consumersOf(settings).filter(({ group }) => options.group === undefined || group === options.group);
        console.log(offsetTable((await Promise.all(wanted.map((consumer) => lagsOf(log, consumer)))).flat()));
      });
    });
  return withExamples(withShared(command, 'config', 'data'), ['KAFKA_BROKERS=kafka:9092 tokenledger offsets show', 'all groups']);
}

function setCommand(): Command {
  const command = new Command('set')
    .description(
      'Set where a group goes on. Only while its role is stopped. Reading again is harmless: repeats are dropped by their identity; what is skipped is never priced or written.',
    )
    .addOption(new Option('--group <name>', 'the group').choices(GROUP_NAMES).makeOptionMandatory())
    .option('--partition <n>', 'one partition (default: all of its topic)', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .requiredOption('--to <where>', 'start or end of what the log keeps, or an offset', parseTarget)
    .action(async (options: SetOptions) => {
      const settings = settingsOf(command);
      await withLog(settings, { logger: loggerOf(settings), readOnly: false }, (log) =>
        setOffsets(log, consumerOf(settings, options.group), options, (line) => console.log(line)),
      );
    });
  return withExamples(
    withShared(command, 'config', 'data'),
    ['tokenledger offsets set --group pricer --to start', 'after usage.events was created anew'],
    ['tokenledger offsets set --group writer --partition 3 --to 1200', 'one partition, at one offset'],
  );
}

/** Throws `GROUP_ACTIVE`, `OFFSET_OUT_OF_RANGE`, `PARTITION_MISSING`, `TOPIC_MISSING`. */
async function setOffsets(log: EventLog, consumer: Consumer, options: SetOptions, say: (line: string) => void): Promise<void> {
  const all = await lagsOf(log, consumer);
  const chosen = options.partition === undefined ? all : all.filter(({ partition }) => partition === options.partition);
  if (chosen.length === 0) {
    throw new AppError('PARTITION_MISSING', `${consumer.topic} has no partition ${options.partition}, only ${all.length}`);
  }
  const moves = chosen.map((lag) => ({ lag, offset: offsetFor(lag, options.to) }));
  for (const { lag, offset } of moves) {
    // Without metadata it claims nothing about the record before it: the log is what it is.
    await log.setCommittedOffset(consumer.group, consumer.topic, lag.partition, { offset, metadata: '' });
    say(`${consumer.group} goes on in ${consumer.topic}/${lag.partition} at ${offset}: ${moveSentence(lag, offset)}`);
  }
}

function offsetFor({ consumer, partition, range }: Lag, to: Target): number {
  if (typeof to === 'string') return range[to];
  if (to >= range.start && to <= range.end) return to;
  throw new AppError(
    'OFFSET_OUT_OF_RANGE',
    `${consumer.topic}/${partition} keeps offsets ${range.start} to ${range.end}: name one of them, start or end`,
  );
}

function moveSentence({ committed, range }: Lag, offset: number): string {
  if (committed === null) return offset === range.start ? 'everything that is kept is read' : `${offset - range.start} records are skipped`;
  const from = Math.min(Math.max(committed.offset, range.start), range.end);
  if (offset === committed.offset) return 'where it was';
  return offset < from ? `${from - offset} records are read again` : `${offset - from} records are skipped`;
}

function offsetTable(found: readonly Lag[]): string {
  const rows = found.map(({ consumer, partition, committed, range, records }) => [
    consumer.group,
    consumer.topic,
    String(partition),
    committed === null ? 'none' : String(committed.offset),
    String(range.start),
    String(range.end),
    committed !== null && (committed.offset < range.start || committed.offset > range.end) ? 'OUT OF RANGE' : String(records),
  ]);
  return textTable(['GROUP', 'TOPIC', 'PARTITION', 'COMMITTED', 'START', 'END', 'TO READ'], rows);
}

function consumersOf(settings: Settings): readonly Consumer[] {
  return consumers(topicNames(settings.config.log.topic_prefix));
}

function consumerOf(settings: Settings, name: string): Consumer {
  const found = consumersOf(settings).find(({ group }) => group === name);
  if (found === undefined) throw new AppError('USAGE', `--group: '${name}' is not a group; choose from ${GROUP_NAMES.join(', ')}`);
  return found;
}

function parseTarget(text: string): Target {
  if (text === 'start' || text === 'end') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected start, end or an offset.');
}

function loggerOf(settings: Settings) {
  return createLogger({ level: 'warn', format: settings.config.logging.format });
}
