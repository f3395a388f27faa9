/** `tokenledger journal`: what is in the journal of an ingress, publishing what one that is gone has left, and adding what only a copy has. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError, type UsageEvent } from '@tokenledger/domain';
import { topicNames } from '@tokenledger/event-log';
import type { ClickHouse } from '@tokenledger/clickhouse';
import { drainJournal, importJournal, journalDirectory } from '@tokenledger/ingress';
import { inspectJournal, type InspectedSource, isJournalLocked, nodeDisk } from '@tokenledger/journal';
import { createLogger } from '@tokenledger/runtime';
import { Command } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { withLog } from '../event-log.ts';
import { EXIT } from '../exit.ts';
import { withLedger } from '../ledger.ts';
import { textTable } from '../registry/text-table.ts';
import type { Settings } from '../settings.ts';
import { untilWritten } from '../written.ts';
import { wholeNumber } from './topics.ts';

const SECOND_MS = 1_000;
const SECONDS_MAX = 86_400;
const WAIT_S = 60;

export function journalCommand(): Command {
  return new Command('journal')
    .description('Look at the journal of an ingress, publish what one that is gone has left, or add what only a copy has.')
    .addCommand(statusCommand())
    .addCommand(drainCommand())
    .addCommand(importCommand());
}

function statusCommand(): Command {
  const command = new Command('status')
    .description('What a journal holds, source by source. Nothing is changed: the ingress may run or be gone.')
    .argument('[dir]', 'directory of the journal (default: that of this data directory)')
    .action(async (given: string | undefined) => {
      const directory = directoryOf(settingsOf(command), given);
      console.log(statusText(directory, isJournalLocked(directory), await inspectJournal(nodeDisk(directory))));
    });
  return withExamples(
    withShared(command, 'config', 'data'),
    ['tokenledger journal status', 'the journal of this data directory'],
    ['tokenledger journal status /var/lib/tokenledger/journal/aside', 'what was set aside'],
  );
}

interface DrainOptions {
  readonly dir?: string;
  readonly wait: number;
}

function drainCommand(): Command {
  const command = new Command('drain')
    .description(
      'Publish what an ingress that is gone has left in its journal, wait until it is in ClickHouse, and let go of it. A request without an end becomes an unresolved event.',
    )
    .option('--dir <dir>', 'directory of the journal (default: that of this data directory)')
    .option('--wait <seconds>', 'how long to wait for ClickHouse to have it', wholeNumber(0, SECONDS_MAX), WAIT_S)
    .action(async (options: DrainOptions) => {
      const settings = settingsOf(command);
      const directory = directoryOf(settings, options.dir);
      const logger = loggerOf(settings);
      const { found, unpublished, unlanded } = await withLog(settings, { logger, readOnly: false }, (log) =>
        drainJournal({
          config: settings.config.ingress,
          log,
          topics: topicNames(settings.config.log.topic_prefix),
          directory,
          logger,
          publishMs: settings.config.shutdown.timeout_ms,
          landMs: unlandedMs(settings, options),
        }),
      );
      console.log(`${found} events were in ${directory} and not known to be in ClickHouse; ${found - unpublished} of them are in the log.`);
      if (unpublished > 0) {
        console.error(`The log did not take ${unpublished} events in time: they stay in the journal. Drain it again.`);
        process.exitCode = EXIT.failed;
      } else if (unlanded > 0) {
        console.log(
          `${unlanded} are not known to be in ClickHouse yet, so the journal keeps them: drain it again later, before it is deleted.`,
        );
      } else console.log('All of it is in ClickHouse: the directory may go.');
    });
  return withExamples(withShared(command, 'config', 'data'), [
    'KAFKA_BROKERS=kafka:9092 tokenledger journal drain --dir /mnt/old/journal',
    'of a node that is gone',
  ]);
}

/** Beside an embedded log nobody runs who would write to ClickHouse. */
function unlandedMs({ config }: Settings, { wait }: DrainOptions): number {
  return config.kafka.brokers.length > 0 ? wait * SECOND_MS : 0;
}

function importCommand(): Command {
  const command = new Command('import')
    .description(
      'Add the events that only this copy of a journal has, one that was set aside or restored: those whose ids ClickHouse lacks, under numbers of a new source. Run again, it adds nothing twice.',
    )
    .argument('<dir>', 'directory of the copy')
    .option('--wait <seconds>', 'how long the pipeline may take to write what is on its way already', wholeNumber(0, SECONDS_MAX), WAIT_S)
    .action(async (given: string, options: { readonly wait: number }) => {
      const settings = settingsOf(command);
      const directory = directoryOf(settings, given);
      const { found, imported, unreadable } = await withLedger(settings, { sends: true }, ({ log, topics, clickhouse }) =>
        importJournal({
          config: settings.config.ingress,
          log,
          topics,
          directory,
          logger: loggerOf(settings),
          settled: () => untilWritten(log, topics, options.wait * SECOND_MS),
          known: (events) => knownEvents(clickhouse, events),
          publishMs: settings.config.shutdown.timeout_ms,
          now: Date.now,
        }),
      );
      console.log(`${found} events are in ${directory}; ClickHouse lacked ${imported}, and they are in the log now.`);
      if (unreadable === 0) return;
      console.error(`${unreadable} entries cannot be read by this version and were left out.`);
      process.exitCode = EXIT.failed;
    });
  return withExamples(withShared(command, 'config', 'data', 'clickhousePort'), [
    'tokenledger journal import /var/lib/tokenledger/journal/aside',
    'what an ingress has set aside',
  ]);
}

/** Their time narrows what is read: the ledger is not sorted by id. */
async function knownEvents(clickhouse: ClickHouse, events: readonly UsageEvent[]): Promise<ReadonlySet<string>> {
  if (events.length === 0) return new Set();
  const times = events.map(({ occurredAtMs }) => occurredAtMs);
  const rows = await clickhouse.query<{ readonly event_id: string }>(
    `SELECT toString(event_id) AS event_id FROM usage_events
     WHERE occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64}) AND event_id IN ({ids:Array(UUID)})`,
    { params: { from: Math.min(...times), to: Math.max(...times), ids: events.map(({ eventId }) => eventId) } },
  );
  return new Set(rows.map((row) => row.event_id));
}

function statusText(directory: string, locked: boolean, sources: readonly InspectedSource[]): string {
  const owner = locked ? 'a process owns it' : 'nobody owns it';
  if (sources.length === 0) return `${directory}: ${owner}; it holds nothing.`;
  const rows = sources.flatMap(({ source, segments, bytes, held, unclosed, lost, damagedBatches }) => {
    const whole = [source, String(segments), String(bytes), String(unclosed.length), String(damagedBatches), String(lost)];
    const partitions = Array.from(held, ([partition, { from, to }]) => [String(partition), String(from), String(to)]);
    return (partitions.length === 0 ? [['', '', '']] : partitions).map((numbers, index) =>
      index === 0 ? [...whole, ...numbers] : ['', '', '', '', '', '', ...numbers],
    );
  });
  const heading = ['SOURCE', 'SEGMENTS', 'BYTES', 'WITHOUT END', 'DAMAGED WRITES', 'LOST NUMBERS', 'PARTITION', 'FROM', 'TO'];
  return `${directory}: ${owner}.\n${textTable(heading, rows)}`;
}

/** Throws `JOURNAL_MISSING`. */
function directoryOf(settings: Settings, given: string | undefined): string {
  const directory = given === undefined ? journalDirectory(settings.config.ingress, settings.layout.journal) : resolve(given);
  if (!existsSync(directory)) {
    throw new AppError('JOURNAL_MISSING', `there is no journal in ${directory}: name its directory, or correct ingress.journal_dir`);
  }
  return directory;
}

function loggerOf(settings: Settings) {
  return createLogger({ level: 'warn', format: settings.config.logging.format });
}
