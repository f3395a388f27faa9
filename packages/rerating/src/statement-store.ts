/** Statements in the log: who makes one, its lines while they are written, the moment from which it is fixed, and reading it again. */
import { AppError, invariant, isRejected } from '@tokenledger/domain';
import type { EventLog, OutgoingRecord, Producer, Topics } from '@tokenledger/event-log';
import { sendPatiently } from './patience.ts';
import { decodeChunk, encodeChunk, type StatementLine } from './core/line-chunks.ts';
import {
  claimKey,
  encodeClaim,
  encodeFixed,
  type FixedLane,
  type FixedStatement,
  fixedKey,
  type OpenStatement,
  settledKey,
  type StatementClaim,
  statementLog,
} from './statement-log.ts';

export interface StatementStoreOptions {
  readonly log: EventLog;
  readonly producer: Producer;
  readonly topics: Pick<Topics, 'statements' | 'statementLines'>;
}

export interface StatementStore {
  /** From now on nobody who claimed before fixes a statement. Gives those that are not settled, the oldest first. */
  claim(source: string): Promise<readonly OpenStatement[]>;
  draft(source: string): Promise<Draft>;
  /** Lines of one partition, in the order of their numbers, a chunk at a time. */
  read(source: string, lane: FixedLane): AsyncGenerator<readonly NumberedLine[]>;
  /** Its lines may go: all of them have landed. */
  settle(statement: FixedStatement): Promise<void>;
  /** Lets go of what was drafted under a claim and not fixed. */
  drop(claim: StatementClaim): Promise<void>;
}

export interface NumberedLine extends StatementLine {
  readonly sequence: number;
}

export interface Draft {
  /** Gives the number that a line of this partition gets next. */
  next(partition: number): number;
  add(partition: number, line: StatementLine): Promise<void>;
  /** From its return on the statement is posted, whatever happens. Throws `STATEMENT_OVERTAKEN`. */
  fix(statement: Pick<FixedStatement, 'recordedAtMs' | 'facts'> & Partial<Pick<FixedStatement, 'found'>>): Promise<FixedStatement>;
  /** Nothing is to be posted. */
  drop(): Promise<void>;
}

/** Lines of one partition while they are drafted. */
interface DraftLane {
  lines: number;
  chunks: number;
  from: number;
  to: number;
  waiting: StatementLine[];
  bytes: number;
  /** The last chunk that was sent. */
  sent: Promise<void>;
}

/** What a record of lines holds at most, unless one line alone is larger. */
const CHUNK_BYTES_MAX = 256 * 1024;
const CHUNK_LINES_MAX = 1_000;
const POLL = { recordsMax: 100, bytesMax: 4 * 1024 * 1024, waitMs: 500 } as const;
const TOMBSTONES_MAX = 500;
const ONLY_PARTITION = 0;
/** How long a partition may give nothing of what it is known to have. */
const SILENCE_MS = 60_000;

export function statementStore({ log, producer, topics }: StatementStoreOptions): StatementStore {
  const claims = new Map<string, StatementClaim>();

  return {
    async claim(source) {
      const claim: StatementClaim = { source, ends: (await log.ranges(topics.statementLines)).map(({ end }) => end) };
      claims.set(source, claim);
      await say(claimKey(source), encodeClaim(claim));
      return (await readStatements()).open();
    },

    async draft(source) {
      const claim = claims.get(source);
      invariant(claim !== undefined, 'a statement is drafted only after it was claimed');
      return draftOf(claim);
    },

    read,

    async settle({ source, lanes }) {
      for (const { partition, linesPartition, chunks } of lanes) {
        const keys = Array.from({ length: chunks }, (_, index) => chunkKey(source, partition, index + 1));
        await bury(linesPartition, keys);
      }
      await say(settledKey(source), Buffer.from('{}'));
    },

    drop,
  };

  function draftOf(claim: StatementClaim): Draft {
    const lanes = new Map<number, DraftLane>();
    const linesPartition = (partition: number): number => partition % claim.ends.length;
    const laneOf = (partition: number): DraftLane => {
      const found = lanes.get(partition) ?? { lines: 0, chunks: 0, from: 0, to: 0, waiting: [], bytes: 0, sent: Promise.resolve() };
      lanes.set(partition, found);
      return found;
    };
    /** Returns before it is in the log: the next one of the partition waits for that. */
    const flush = async (partition: number): Promise<void> => {
      const lane = laneOf(partition);
      if (lane.waiting.length === 0) return;
      await lane.sent;
      const value = encodeChunk(lane.lines - lane.waiting.length + 1, lane.waiting);
      lane.waiting = [];
      lane.bytes = 0;
      lane.sent = sendChunk(partition, lane, value);
      // It is awaited before anything else of the partition; until then its failure is nobody's.
      lane.sent.catch(() => {});
    };
    const sendChunk = async (partition: number, lane: DraftLane, value: Buffer): Promise<void> => {
      lane.chunks += 1;
      const key = chunkKey(claim.source, partition, lane.chunks);
      const { baseOffset } = await sendPatiently(producer, topics.statementLines, linesPartition(partition), [{ key, value }]);
      if (lane.chunks === 1) lane.from = baseOffset;
      lane.to = baseOffset + 1;
    };
    return {
      next: (partition) => laneOf(partition).lines + 1,

      async add(partition, line) {
        const lane = laneOf(partition);
        if (lane.bytes + line.value.byteLength > CHUNK_BYTES_MAX || lane.waiting.length >= CHUNK_LINES_MAX) await flush(partition);
        lane.waiting.push(line);
        lane.lines += 1;
        lane.bytes += line.value.byteLength;
      },

      async fix({ recordedAtMs, facts, found = null }) {
        for (const partition of lanes.keys()) await flush(partition);
        for (const { sent } of lanes.values()) await sent;
        const statement: FixedStatement = {
          source: claim.source,
          recordedAtMs,
          lanes: Array.from(lanes, ([partition, { lines, chunks, from, to }]) => ({
            partition,
            linesPartition: linesPartition(partition),
            lines,
            chunks,
            from,
            to,
          })),
          facts,
          found,
        };
        await say(fixedKey(claim.source), encodeFixed(statement));
        // Whoever claimed in between does not know of it, so it does not hold.
        if ((await readStatements()).isFixed(claim.source)) return statement;
        await drop(claim);
        throw new AppError(
          'STATEMENT_OVERTAKEN',
          'somebody else began a statement meanwhile, so nothing of this one was posted: run it again',
        );
      },

      async drop() {
        // What came after it would stay.
        await Promise.allSettled(Array.from(lanes.values(), ({ sent }) => sent));
        await drop(claim);
      },
    };
  }

  async function drop({ source, ends }: StatementClaim): Promise<void> {
    for (const [partition, end] of ends.entries()) {
      const keys = new Set<string>();
      for await (const { key, value } of recordsFrom(topics.statementLines, partition, end)) {
        if (value !== null && key?.startsWith(`${source}/`) === true) keys.add(key);
      }
      await bury(partition, [...keys]);
    }
    await say(settledKey(source), Buffer.from('{}'));
  }

  async function* read(source: string, { partition, linesPartition, from, to }: FixedLane): AsyncGenerator<readonly NumberedLine[]> {
    for await (const { key, value } of recordsFrom(topics.statementLines, linesPartition, from, to)) {
      if (value === null || key?.startsWith(`${source}/${partition}/`) !== true) continue;
      const { first, lines } = decodeChunk(value);
      yield lines.map((line, index) => ({ ...line, sequence: first + index }));
    }
  }

  async function readStatements() {
    const statements = statementLog();
    for await (const record of recordsFrom(topics.statements, ONLY_PARTITION, 0)) {
      const refused = statements.take(record);
      if (isRejected(refused)) throw new AppError(refused.code, refused.message);
    }
    return statements;
  }

  /** Up to `to`, or to where the partition ends now. The last record of a partition stays, whatever is compacted. */
  async function* recordsFrom(topic: string, partition: number, from: number, to = Infinity) {
    const range = (await log.ranges(topic))[partition];
    if (range === undefined) throw new AppError('PARTITION_MISSING', `${topic} has no partition ${partition}`);
    const end = Math.min(to, range.end);
    let next = Math.max(from, range.start);
    if (next >= end) return;
    const reader = await log.reader({ topic, partition, from: next });
    try {
      let seenMs = performance.now();
      while (next < end) {
        const records = await reader.poll(POLL);
        if (records.length > 0) seenMs = performance.now();
        else if (performance.now() - seenMs > SILENCE_MS) {
          throw new AppError('LOG_UNAVAILABLE', `${topic}/${partition} gave nothing from offset ${next} on, and ends at ${end}`, {
            retryable: true,
          });
        }
        for (const record of records) {
          next = record.offset + 1;
          if (record.offset < end) yield record;
        }
      }
    } finally {
      await reader.close();
    }
  }

  async function bury(linesPartition: number, keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += TOMBSTONES_MAX) {
      const tombstones = keys.slice(from, from + TOMBSTONES_MAX).map((key): OutgoingRecord => ({ key, value: null }));
      await sendPatiently(producer, topics.statementLines, linesPartition, tombstones);
    }
  }

  async function say(key: string, value: Buffer): Promise<void> {
    await sendPatiently(producer, topics.statements, ONLY_PARTITION, [{ key, value }]);
  }
}

function chunkKey(source: string, partition: number, chunk: number): string {
  return `${source}/${partition}/${chunk}`;
}
