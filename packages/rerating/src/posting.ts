/** Posts a fixed statement: sends what ClickHouse lacks of it, until it has everything. Killed anywhere, it goes on: what is there is asked, never remembered. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import { type EventLog, type OutgoingRecord, type Producer, recordBytes, type Topics } from '@tokenledger/event-log';
import { encodeSourceState, identityHeaders, sourcePartition, type SourceState } from '@tokenledger/schemas';
import { isIn, type LaneRanges, missingIn } from './landed-lines.ts';
import { patiently, sendPatiently } from './patience.ts';
import type { FixedLane, FixedStatement } from './statement-log.ts';
import type { NumberedLine, StatementStore } from './statement-store.ts';

export interface PostingOptions {
  readonly log: EventLog;
  readonly producer: Producer;
  readonly clickhouse: ClickHouse;
  readonly topics: Pick<Topics, 'usagePriced' | 'sources'>;
  readonly statements: StatementStore;
  /** Host and process, for the record of the source. */
  readonly instance: string;
  /** Resolves once a writer has written what the topic of priced events holds now; throws when it does not get on. */
  readonly written: () => Promise<void>;
  readonly onProgress: (progress: PostingProgress) => void;
}

export interface PostingProgress {
  readonly lines: number;
  readonly sent: number;
}

export interface Posted {
  readonly lines: number;
  /** Lines that the writer refused: they are in `dead_letters`. */
  readonly refused: number;
}

const SEND_RECORDS_MAX = 500;
const SEND_BYTES_MAX = 512 * 1024;
/** What was sent and written, and is missing all the same, is sent again so often. */
const ROUNDS_MAX = 5;

/** Throws `STATEMENT_LINES_LOST`, `STATEMENT_NOT_LANDED`, and what the log and ClickHouse throw. */
export async function postStatement(options: PostingOptions, statement: FixedStatement): Promise<Posted> {
  const { clickhouse, statements } = options;
  const lines = statement.lanes.reduce((sum, lane) => sum + lane.lines, 0);
  // 1. Say what there will be, so that a line that never arrives is missed. Said again after a crash, it says the same.
  await announce(options, statement);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    // 2. What may be on its way is let through first: sent again it would be a repeat, which costs time alone.
    await options.written();
    // 3. Send what ClickHouse lacks. A crash in between: the next run asks again.
    const missing = await patiently(() => missingIn(clickhouse, statement));
    if (missing.size === 0) {
      // 4. All of it has landed: its lines may go. A crash before: the next run sees the same.
      const refused = await refusedLines(clickhouse, statement);
      await statements.settle(statement);
      return { lines, refused };
    }
    try {
      await sendMissing(options, statement, missing, lines);
    } catch (error) {
      // Somebody else may have posted it to its end meanwhile, and let go of the lines.
      if (!(error instanceof AppError) || error.code !== 'STATEMENT_LINES_LOST') throw error;
      await options.written();
      if ((await missingIn(clickhouse, statement)).size > 0) throw error;
    }
  }
  throw new AppError(
    'STATEMENT_NOT_LANDED',
    `${statement.source} was sent, and ClickHouse does not have all of it: see that writers run, and run this again`,
    {
      retryable: true,
    },
  );
}

async function announce(
  { log, producer, topics, instance }: PostingOptions,
  { source, lanes, recordedAtMs, facts }: FixedStatement,
): Promise<void> {
  const state: SourceState = {
    source,
    instance,
    openedAtMs: recordedAtMs,
    atMs: recordedAtMs,
    closed: true,
    openRequests: 0,
    partitions: new Map(lanes.map(({ partition, lines }) => [partition, lines])),
    closedBy: null,
    statement: facts,
  };
  const partitions = (await log.describeTopic(topics.sources))?.partitions ?? 1;
  await sendPatiently(producer, topics.sources, sourcePartition(source, partitions), [{ key: source, value: encodeSourceState(state) }]);
}

async function sendMissing(options: PostingOptions, statement: FixedStatement, missing: LaneRanges, lines: number): Promise<void> {
  let sent = 0;
  await Promise.all(
    statement.lanes.map((lane) =>
      sendLane(options, statement, lane, missing, (count) => {
        sent += count;
        options.onProgress({ lines, sent });
      }),
    ),
  );
}

async function sendLane(
  { producer, topics, statements }: PostingOptions,
  { source }: FixedStatement,
  lane: FixedLane,
  missing: LaneRanges,
  onSent: (count: number) => void,
): Promise<void> {
  const ranges = missing.get(lane.partition) ?? [];
  if (ranges.length === 0) return;
  let batch: OutgoingRecord[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    await sendPatiently(producer, topics.usagePriced, lane.partition, batch);
    onSent(batch.length);
    batch = [];
    bytes = 0;
  };
  let last = 0;
  for await (const lines of statements.read(source, lane)) {
    for (const line of lines) {
      // A chunk that was sent twice is read twice.
      if (line.sequence <= last) continue;
      if (line.sequence !== last + 1) throw linesLost(source, lane);
      last = line.sequence;
      if (!isIn(ranges, line.sequence)) continue;
      const record = recordOf(source, line);
      if (batch.length >= SEND_RECORDS_MAX || bytes + recordBytes(record) > SEND_BYTES_MAX) await flush();
      batch.push(record);
      bytes += recordBytes(record);
    }
  }
  await flush();
  if (last < lane.lines) throw linesLost(source, lane);
}

function recordOf(source: string, { key, value, sequence }: NumberedLine): OutgoingRecord {
  return { key, value, headers: identityHeaders({ source, sequence }) };
}

function linesLost(source: string, { partition, lines }: FixedLane): AppError {
  return new AppError('STATEMENT_LINES_LOST', `of ${source}, not all ${lines} lines of partition ${partition} are in the log any more`);
}

async function refusedLines(clickhouse: ClickHouse, { source }: FixedStatement): Promise<number> {
  const [row] = await clickhouse.query<{ readonly rows: string }>(
    'SELECT count() AS rows FROM dead_letters WHERE source = {source:String}',
    {
      params: { source },
    },
  );
  return Number(row?.rows ?? 0);
}
