/** `tokenledger events tail`: follows events as they are priced, one line each, beside the process that writes the log. */
import { AppError, invariant, isRejected } from '@tokenledger/domain';
import { topicNames, type EventLog, type LogRecord, type Reader } from '@tokenledger/event-log';
import { createLogger } from '@tokenledger/runtime';
import { decodeRecord } from '@tokenledger/schemas';
import { Command, InvalidArgumentError } from 'commander';
import { settingsOf, withExamples, withShared } from '../command-line.ts';
import { withLog } from '../event-log.ts';
import { eventJson, eventLine, rejectedJson, rejectedLine } from '../event-line.ts';

const POLL = { recordsMax: 200, bytesMax: 4_000_000, waitMs: 200 };

interface TailOptions {
  readonly fromStart: boolean;
  readonly limit: number;
  readonly json: boolean;
}

export function eventsCommand(): Command {
  const tail = new Command('tail')
    .description('Follow events as they are priced: time, tenant, key, model, tokens in and out, cost, outcome. Ctrl-C ends it.')
    .option('--from-start', 'begin with the oldest event that the log keeps', false)
    .option('--limit <n>', 'end after this many events', parseLimit, Infinity)
    .option('--json', 'one JSON object for each event', false)
    .action(async (options: TailOptions) => {
      const settings = settingsOf(tail);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      process.once('SIGTERM', () => stop.abort());
      // A reader that has seen enough, such as `head`, closes the pipe.
      process.stdout.once('error', () => stop.abort());
      const topic = topicNames(settings.config.log.topic_prefix).usagePriced;
      const logger = createLogger({ level: 'warn', format: settings.config.logging.format });
      await withLog(settings, { logger, readOnly: true }, (log) =>
        tailTopic(log, topic, options, (line) => process.stdout.write(`${line}\n`), stop.signal),
      );
    });
  withExamples(
    withShared(tail, 'config', 'data'),
    ['tokenledger events tail', 'from now on'],
    ['tokenledger events tail --from-start --limit 20 --json', 'the first twenty, as JSON'],
  );
  return new Command('events').description('Look at the events in the log.').addCommand(tail);
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A limit is a whole number, at least 1.');
  return Number(text);
}

/** Resolves after `limit` events or once `signal` aborts. Throws `TOPIC_MISSING`. */
async function tailTopic(
  log: EventLog,
  topic: string,
  options: TailOptions,
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const description = await log.describeTopic(topic);
  if (description === null) throw new AppError('TOPIC_MISSING', `the log has no topic ${topic} yet: start \`tokenledger up\` once`);
  const from = options.fromStart ? 'start' : 'end';
  const readers = await Promise.all(
    Array.from({ length: description.partitions }, (_, partition) => log.reader({ topic, partition, from })),
  );
  try {
    let written = 0;
    while (!signal.aborted && written < options.limit) {
      for (const line of await nextLines(readers, options.json)) {
        if (written >= options.limit) break;
        write(line);
        written += 1;
      }
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

/** What came in all partitions since the last look, in the order of the log's own times. */
async function nextLines(readers: readonly Reader[], json: boolean): Promise<readonly string[]> {
  const batches = await Promise.all(readers.map((reader) => reader.poll(POLL)));
  const records = batches.flat().sort((left, right) => left.timestampMs - right.timestampMs);
  return records.map((record) => lineOf(record, json));
}

function lineOf(record: LogRecord, json: boolean): string {
  invariant(record.value !== null, 'a time-based topic has no tombstones');
  const decoded = decodeRecord(record.value);
  if (isRejected(decoded)) return `undecodable  partition ${record.partition} offset ${record.offset}  ${decoded.message}`;
  switch (decoded.kind) {
    case 'priced':
      return json ? eventJson(decoded.priced) : eventLine(decoded.priced);
    case 'rejected_event':
      return json ? rejectedJson(decoded.rejected) : rejectedLine(decoded.rejected);
    case 'usage':
      return `not priced  ${decoded.event.eventId}`;
  }
}
