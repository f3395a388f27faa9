/** ClickHouse as the store of a sink: inserts by identity what is not there yet.
 *
 *  What is remembered of a partition was read after its fence was raised, is added to only by our own acknowledged inserts, and is
 *  forgotten at the first failure: memory is never trusted across a doubt. */
import type { ClickHouse, InsertOptions } from '@tokenledger/clickhouse';
import { AppError, invariant } from '@tokenledger/domain';
import {
  type Producer,
  RECORD_BYTES_MAX,
  recordBytes,
  type SinkBatch,
  type SinkOwner,
  type SinkStore,
  type SinkWritten,
} from '@tokenledger/event-log';
import type { LandedLane, NumberRange } from '@tokenledger/schemas';
import type { Classify, Undecodable } from './core/classify.ts';
import { type Decided, decide, type Numbered, type NumberedRow, numbersToAsk, unknownSources } from './core/decide.ts';
import { type EventBlock, eventBlock } from './event-block.ts';
import { letterOf } from './core/letter.ts';
import { lookUp, NOTHING_SEEN, type Seen } from './core/seen.ts';
import { fenced, queryId, raiseFence } from './fence.ts';
import type { WriterMetrics } from './metrics.ts';
import { AUDIT_LOG, DEAD_LETTERS, type LedgerTable, readPresent, readSeen, type RowTable, USAGE_EVENTS } from './tables.ts';

export interface StoreOptions {
  readonly clickhouse: ClickHouse;
  /** The database that has the views; that of `clickhouse` unless it is one of a cluster's nodes. */
  readonly database?: string;
  readonly classify: Classify;
  /** For records that cannot be decoded. */
  readonly producer: Producer;
  readonly deadLetterTopic: string;
  readonly metrics: WriterMetrics;
  /** Milliseconds since the epoch; measures lag and decides nothing. */
  readonly now: () => number;
  readonly killWaitMs: number;
  readonly missingRangesMax: number;
  readonly sourcesMax: number;
  /** Called when everything of a batch is in ClickHouse, with the sources of its rows. */
  readonly onWritten?: (owner: SinkOwner, sources: Iterable<string>) => void;
}

/** Tables are partitioned by month. A batch with events of very many months makes many parts; refused, it would be refused for ever. */
const INSERT_SETTINGS = { throw_on_max_partitions_per_insert_block: 0 } as const;

/** Blocks kept for the next batch; when more partitions write at once, theirs are made anew. */
const BLOCKS_KEPT = 4;

/** What one epoch knows of a partition: by table, then by source, the source used last at the end. */
interface Memory {
  readonly epoch: number;
  readonly partition: number;
  /** By source: numbers that ClickHouse did not have when it was asked, to be held against what is remembered. */
  readonly doubted: Map<string, readonly NumberRange[]>;
  readonly tables: ReadonlyMap<LedgerTable, Map<string, Seen>>;
}

/** One insert of these rows. */
type Send<Content> = (rows: readonly Content[], insert: InsertOptions) => Promise<{ readonly writtenRows: number }>;

export interface LedgerStore extends SinkStore {
  /** ClickHouse lacks these numbers. Where they are remembered to be there, rows have been lost: they are let in again. */
  lacks(lane: LandedLane): void;
}

export function ledgerStore(options: StoreOptions): LedgerStore {
  const { clickhouse, metrics } = options;
  const reader = { clickhouse, database: options.database ?? clickhouse.database };
  const memories = new Map<string, Memory>();
  const blocks: EventBlock[] = [];

  return {
    async takeOver(owner) {
      forget(owner);
      await raiseFence({ clickhouse, killWaitMs: options.killWaitMs }, owner);
      memories.set(partitionOf(owner), {
        epoch: owner.epoch,
        partition: owner.partition,
        doubted: new Map(),
        tables: new Map([USAGE_EVENTS, DEAD_LETTERS, AUDIT_LOG].map((table) => [table, new Map<string, Seen>()])),
      });
    },

    async write(owner, batch) {
      const memory = memories.get(partitionOf(owner));
      if (memory !== undefined && memory.epoch > owner.epoch) throw fenced(owner);
      invariant(memory?.epoch === owner.epoch, 'a partition is written only after it was taken over');
      const block = blocks.pop() ?? eventBlock();
      try {
        return await writeBatch(memory, owner, batch, block);
      } catch (error) {
        forget(owner);
        throw error;
      } finally {
        block.clear();
        if (blocks.length < BLOCKS_KEPT) blocks.push(block);
      }
    },

    release: forget,

    lacks({ source, partition, missing }) {
      for (const memory of memories.values()) if (memory.partition === partition) memory.doubted.set(source, missing);
    },
  };

  /** Only between batches: what a batch has read must not go while it decides by it. */
  function settleDoubts({ doubted, tables }: Memory): void {
    for (const [source, missing] of doubted) {
      for (const known of tables.values()) {
        const seen = known.get(source) ?? NOTHING_SEEN;
        if (missing.some(({ from, to }) => lookUp(seen, from) === 'seen' || lookUp(seen, to) === 'seen')) known.delete(source);
      }
    }
    doubted.clear();
  }

  /** What a newer owner in this process remembers stays. */
  function forget(owner: SinkOwner): void {
    const memory = memories.get(partitionOf(owner));
    if (memory !== undefined && memory.epoch <= owner.epoch) memories.delete(partitionOf(owner));
  }

  async function writeBatch(memory: Memory, owner: SinkOwner, batch: SinkBatch, block: EventBlock): Promise<SinkWritten> {
    settleDoubts(memory);
    // 1. Decode. A crash here costs nothing.
    const { events, deadLetters, audits, undecodable } = options.classify(batch.records, owner, block);
    // 2. Send on what cannot be decoded. After a crash it is sent again, and counted once by its identity.
    await sendDeadLetters(undecodable, owner);
    // 3. Insert what is missing, table by table. After a crash at any point the next owner reads back what is there.
    const event = await insertMissing(memory, owner, batch, USAGE_EVENTS, events, async (records, insert) => {
      if (records.length < events.length) {
        // Some are repeats: the block is made again, of the others.
        block.clear();
        options.classify(records, owner, block);
      }
      return clickhouse.insertBlock(USAGE_EVENTS.name, block.columns, insert);
    });
    const letter = await insertRows(memory, owner, batch, DEAD_LETTERS, deadLetters);
    const audit = await insertRows(memory, owner, batch, AUDIT_LOG, audits);
    // 4. The caller commits the offset. A crash before that hands the batch in again: all of it is a repeat then.
    const repeats = event.repeats + letter.repeats + audit.repeats;
    const rejected = deadLetters.length + undecodable.length;
    options.onWritten?.(owner, new Set([...event.seen.keys(), ...letter.seen.keys()]));
    const newest = batch.records.at(-1)?.timestampMs ?? options.now();
    metrics.written(owner.topic, { records: batch.records.length, repeats, rejected, lagMs: options.now() - newest });
    return { inserted: event.rows.length + letter.rows.length + audit.rows.length, repeats, rejected };
  }

  async function sendDeadLetters(undecodable: readonly Undecodable[], owner: SinkOwner): Promise<void> {
    if (undecodable.length === 0) return;
    const letters = undecodable.map((refused) => letterOf(refused, (letter) => recordBytes(letter) <= RECORD_BYTES_MAX));
    await options.producer.send(options.deadLetterTopic, owner.partition, letters);
  }

  async function insertRows(memory: Memory, owner: SinkOwner, batch: SinkBatch, table: RowTable, rows: readonly NumberedRow[]) {
    return insertMissing(memory, owner, batch, table, rows, (missing, insert) =>
      clickhouse.insertRows(table.name, table.columns, missing, insert),
    );
  }

  async function insertMissing<Content>(
    memory: Memory,
    owner: SinkOwner,
    batch: SinkBatch,
    table: LedgerTable,
    rows: readonly Numbered<Content>[],
    send: Send<Content>,
  ): Promise<Decided<Content>> {
    const known = memory.tables.get(table);
    invariant(known !== undefined, `${table.name} is a table of the ledger`);
    const unknown = unknownSources(rows, known);
    if (unknown.length > 0) for (const [source, seen] of await readSeen(reader, table, owner, unknown)) known.set(source, seen);
    const present = await readPresent(reader, table, owner, numbersToAsk(rows, known));
    const decided = decide(rows, known, present, { rangesMax: options.missingRangesMax });
    await insert(owner, batch, table, decided.rows, send);
    remember(known, decided);
    return decided;
  }

  async function insert<Content>(
    owner: SinkOwner,
    batch: SinkBatch,
    table: LedgerTable,
    rows: readonly Content[],
    send: Send<Content>,
  ): Promise<void> {
    if (rows.length === 0) return;
    const startedMs = performance.now();
    const id = queryId(owner, `${batch.from}-${batch.to}/${table.name}`);
    const { writtenRows } = await send(rows, { queryId: id, settings: INSERT_SETTINGS });
    if (writtenRows < rows.length) {
      throw new AppError('INSERT_SHORT', `${table.name} took ${writtenRows} of ${rows.length} rows`, { retryable: true });
    }
    metrics.inserted(table.name, rows.length, performance.now() - startedMs);
  }

  function remember(known: Map<string, Seen>, { seen }: Decided<unknown>): void {
    for (const [source, state] of seen) {
      known.delete(source);
      known.set(source, state);
    }
    for (const source of known.keys()) {
      if (known.size <= options.sourcesMax) return;
      known.delete(source);
    }
  }
}

function partitionOf(owner: SinkOwner): string {
  return `${owner.topic}/${owner.partition}`;
}
