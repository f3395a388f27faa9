/** The four ways to read the log. A service supplies the pure part; the shape supplies the shell and survives a crash at any step. */
import type { Pacing } from '../pacing.ts';
import type { EventLog, LogRecord, OutgoingRecord } from '../port.ts';

/** Something that runs until it is closed. `failed` rejects when the shape met a broken invariant or a bug (anything thrown that is not an `AppError`):
 *  end the process. A partition that stops for an `AppError` is told to `observer.stopped` and leaves the others running. */
export interface Running {
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Observations a service turns into logs and metrics. Every method is optional and must not throw. */
export interface ShapeObserver {
  batch?(info: { readonly topic: string; readonly partition: number; readonly records: number; readonly durationMs: number }): void;
  /** A retryable failure: the shape goes on after a backoff. */
  retrying?(info: { readonly topic: string; readonly partition: number; readonly error: unknown; readonly attempt: number }): void;
  /** The partition stopped: nothing goes on by itself. */
  stopped?(info: { readonly topic: string; readonly partition: number; readonly error: unknown }): void;
}

/** Bounded exponential backoff: waits rise from `initialMs` to `maxMs`, each shortened by up to half at random. */
export interface RetryLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

export interface ShapeOptions {
  readonly log: EventLog;
  readonly group: string;
  readonly topic: string;
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** How long a batch may wait to fill, in milliseconds, after its first record. */
  readonly lingerMs: number;
  /** Where a group without a committed offset starts: `beginning` (the default) stops with `OFFSET_UNCOMMITTED` when offset 0 has expired, `earliest` takes what is left. */
  readonly startAt?: 'beginning' | 'earliest';
  readonly retry?: RetryLimits;
  readonly pacing?: Pacing;
  readonly observer?: ShapeObserver;
}

/** log → log. Exactly one output per input, same partition number, in order, at least once; a repeat is dropped downstream. */
export interface TransformOptions extends ShapeOptions {
  /** Topics that `decide` writes to: checked at start to have as many partitions as the input. */
  readonly outputTopics?: readonly string[];
  /** Where it is marked that the group has begun in a partition, so that offsets that get lost are noticed (`OFFSET_LOST`). Without it they are not. */
  readonly checkpointTopic?: string;
  /** Pure. `outputs[i]` belongs to `records[i]` and names its topic. Throwing `AppError{retryable: true}` pauses and tries again. */
  readonly decide: (records: readonly LogRecord[]) => readonly TransformOutput[];
}

export interface TransformOutput {
  readonly topic: string;
  readonly record: OutgoingRecord;
}

/** log → state → log, with checkpoints. `decide` gives the same outputs however the log is cut into batches. */
export interface FoldOptions<State> extends ShapeOptions {
  readonly checkpointTopic: string;
  /** Partition of `checkpointTopic` is the log partition modulo its partitions. */
  readonly initial: (partition: number) => State;
  readonly decide: (
    state: State,
    records: readonly LogRecord[],
    context: { readonly partition: number },
  ) => { readonly state: State; readonly outputs: readonly FoldOutput[]; readonly changedScopes: readonly string[] };
  readonly codec: {
    /** One part per scope. */
    readonly scopes: (state: State) => readonly string[];
    readonly encode: (state: State, scope: string) => Uint8Array;
    readonly decode: (partition: number, parts: ReadonlyMap<string, Uint8Array>) => State;
  };
  /** Checkpoint after this many records or milliseconds, whichever comes first. */
  readonly checkpointRecords: number;
  readonly checkpointIntervalMs: number;
  /** A partition that has lost its checkpoint starts again from the log's start instead of stopping with `CHECKPOINT_MISSING`. */
  readonly rebuild?: boolean;
}

export interface FoldOutput {
  readonly topic: string;
  readonly partition: number;
  readonly record: OutgoingRecord;
}

/** log → outside, exactly once. */
export interface SinkOptions extends ShapeOptions {
  readonly checkpointTopic: string;
  readonly store: SinkStore;
}

/** The outside world of one Sink, e.g. ClickHouse tables. All calls of one partition come one after another. */
export interface SinkStore {
  /** Makes every insert of an older epoch impossible, ends those under way (they are gone when this resolves) and forgets what was remembered of the partition.
   *  Throws `FENCED` when a newer epoch is in force already: the caller stands down. */
  takeOver(owner: SinkOwner): Promise<void>;
  /** Inserts the rows of a batch that are not there yet, by their identity. Resolves only when all are there.
   *  Any throw leaves the batch in doubt: the Sink claims a new epoch, takes over and hands the same batch in again. */
  write(owner: SinkOwner, batch: SinkBatch): Promise<SinkWritten>;
  /** Ownership ended: what this epoch remembered of the partition may go; a newer owner in this process may have taken over already. */
  release(owner: SinkOwner): void;
}

export interface SinkOwner {
  readonly topic: string;
  readonly partition: number;
  /** Rises with every claim; at least 1. */
  readonly epoch: number;
}

export interface SinkBatch {
  readonly records: readonly LogRecord[];
  /** Offsets: `from` of the first record, `to` is the next after the last. */
  readonly from: number;
  readonly to: number;
}

export interface SinkWritten {
  readonly inserted: number;
  readonly repeats: number;
  readonly rejected: number;
}

/** compacted topic → memory. */
export interface TableOptions<Value> {
  readonly log: EventLog;
  readonly topic: string;
  /** Returns undefined for a value that is to be skipped. */
  readonly decode: (key: string, value: Uint8Array) => Value | undefined;
  readonly onChange?: (key: string, value: Value | undefined) => void;
  /** Every record before it is decoded, in the order of its partition: for whoever goes by offsets and by what stands between. */
  readonly onRecord?: (record: LogRecord) => void;
  readonly retry?: RetryLimits;
  readonly pacing?: Pacing;
  readonly observer?: ShapeObserver;
}

export interface Table<Value> extends Running {
  get(key: string): Value | undefined;
  entries(): IterableIterator<[string, Value]>;
  readonly size: number;
  /** How long ago the reading last saw the end of every partition, in milliseconds: what is known is at most this old. */
  behindMs(): number;
}
