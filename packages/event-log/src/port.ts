/** The event log as the pipeline sees it: explicit partitions, offsets with metadata, ownership that can be lost. */

export type Headers = Readonly<Record<string, string>>;

/** What a producer sends. A null value in a compacted topic is a tombstone. */
export interface OutgoingRecord {
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers?: Headers;
}

/** What a consumer reads. `timestampMs` is the log's append time; nothing decides by it. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
  readonly timestampMs: number;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly cleanup: 'time' | 'compact';
  /** Milliseconds; ignored for compacted topics. */
  readonly retentionMs: number;
}

export interface TopicDescription {
  readonly topic: string;
  readonly partitions: number;
  readonly cleanup: 'time' | 'compact';
}

/** Offsets of one partition: `start` is the first that is kept, `end` the next to be written. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/** Where one send landed. A send that cannot name this has failed. */
export interface Appended {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
}

export interface CommittedOffset {
  /** Next offset to read. */
  readonly offset: number;
  readonly metadata: string;
}

export interface PollLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** How long to wait for the first record; an empty array after that. */
  readonly waitMs: number;
}

export interface Producer {
  /** Appends to exactly one partition, in order, acknowledged by all in-sync replicas. One send in flight per partition is the adapter's duty.
   *  Throws `AppError`: `LOG_UNAVAILABLE` (retryable), `TOPIC_MISSING`, `PARTITION_MISSING`, `RECORD_TOO_LARGE`. */
  send(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<Appended>;
  close(): Promise<void>;
}

/** One partition of one topic, owned by one member of a group until `signal` aborts. */
export interface OwnedPartition {
  readonly topic: string;
  readonly partition: number;
  /** What the group had committed when ownership was gained; null when nothing. */
  readonly committed: CommittedOffset | null;
  /** Aborts when ownership is lost or the membership closes. Nothing may be committed after that. */
  readonly signal: AbortSignal;
  range(): Promise<OffsetRange>;
  /** Next records in order. Throws `OFFSET_OUT_OF_RANGE` when the position is not kept any more: nothing resets by itself. Returns `[]` once lost. */
  poll(limits: PollLimits): Promise<readonly LogRecord[]>;
  /** Moves the read position. */
  seek(offset: number): void;
  /** Throws `OWNERSHIP_LOST` when this member does not own the partition any more. */
  commit(committed: CommittedOffset): Promise<void>;
}

export interface Membership {
  /** Leaves the group after the partition runs have ended. */
  close(): Promise<void>;
}

export interface JoinOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Runs once per gained partition, for as long as it is owned; returns soon after `signal` aborts. A throw reaches `onError`. */
  readonly run: (owned: OwnedPartition) => Promise<void>;
  readonly onError: (error: unknown, owned: OwnedPartition) => void;
}

/** Reads one partition outside any group. */
export interface Reader {
  range(): Promise<OffsetRange>;
  poll(limits: PollLimits): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  readonly topic: string;
  readonly partition: number;
  readonly from: 'start' | 'end' | number;
}

export interface EventLog {
  /** Creates what is missing. Throws `TOPIC_MISMATCH` when a topic exists with other partitions or cleanup. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** Null when the topic does not exist. */
  describeTopic(topic: string): Promise<TopicDescription | null>;
  /** Raises a topic's partition count; records stay where they are. No effect when equal. Throws `TOPIC_MISSING`, and `TOPIC_MISMATCH` when it has more.
   *  Whoever joins afterwards shares all partitions; members that are there already may learn of them later. */
  growTopic(topic: string, partitions: number): Promise<void>;
  /** The offsets of every partition of a topic, by partition number. Throws `TOPIC_MISSING`. */
  ranges(topic: string): Promise<readonly OffsetRange[]>;
  /** What a group has committed in a topic, by partition; partitions without a commit are absent. Joins nothing. Throws `TOPIC_MISSING`. */
  committedOffsets(group: string, topic: string): Promise<ReadonlyMap<number, CommittedOffset>>;
  /** An operator's commit, in place of the group's own. Throws `GROUP_ACTIVE` while the group has members, `TOPIC_MISSING`, `PARTITION_MISSING`. */
  setCommittedOffset(group: string, topic: string, partition: number, committed: CommittedOffset): Promise<void>;
  producer(): Promise<Producer>;
  join(options: JoinOptions): Promise<Membership>;
  reader(options: ReaderOptions): Promise<Reader>;
  close(): Promise<void>;
}
