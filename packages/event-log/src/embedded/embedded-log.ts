/** The event log of a single process, in SQLite: what `tokenledger up` runs on. One process writes and has groups; others may read. */
import { mkdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '@tokenledger/domain';
import type { LocalBackend } from '../local/backend.ts';
import { groupActive, ownershipLost, topicShrinks } from '../local/backend.ts';
import { LocalGroups } from '../local/groups.ts';
import { localReader } from '../local/reader.ts';
import { Wakeups } from '../local/wakeups.ts';
import type { Pacing } from '../pacing.ts';
import { systemPacing } from '../pacing.ts';
import type {
  CommittedOffset,
  EventLog,
  JoinOptions,
  Membership,
  OffsetRange,
  Producer,
  Reader,
  ReaderOptions,
  TopicDescription,
  TopicSpec,
} from '../port.ts';
import { checkRecordSizes, RECORD_BYTES_MAX } from '../record-size.ts';
import { Catalog } from './catalog.ts';
import { CommittedOffsets } from './committed-offsets.ts';
import { isDatabaseError, logUnavailable, openDatabase } from './database.ts';
import { GroupCommit, logClosed } from './group-commit.ts';
import type { MaintenanceContext } from './maintenance.ts';
import { maintenancePass } from './maintenance.ts';
import { lockForWriting } from './owner-lock.ts';

export interface EmbeddedLogOptions {
  /** Created when missing, unless `readOnly`. */
  readonly directory: string;
  /** Reads beside the process that owns the log: no sends, no groups. */
  readonly readOnly?: boolean;
  /** `normal` (the default) survives the death of the process; `full` also that of the machine. */
  readonly synchronous?: 'normal' | 'full';
  /** Milliseconds for which writes are gathered into one transaction. */
  readonly groupMs?: number;
  readonly groupRecordsMax?: number;
  readonly recordBytesMax?: number;
  /** How long a new owner of a partition waits for the old one's run to end, in milliseconds. */
  readonly handoverWaitMs?: number;
  /** Between two looks at the file by a `readOnly` log, in milliseconds. */
  readonly readOnlyPollMs?: number;
  /** Between two passes of expiry and compaction, in milliseconds. */
  readonly maintenanceIntervalMs?: number;
  /** Between two slices of one pass, in milliseconds. */
  readonly maintenancePauseMs?: number;
  readonly maintenanceSliceRecordsMax?: number;
  readonly compactionKeysMax?: number;
  readonly compactionDirtyShareMin?: number;
  readonly tombstoneRetentionMs?: number;
  /** Unix time in milliseconds: stamps records, and decides what has expired. */
  readonly clockMs?: () => number;
  readonly pacing?: Pacing;
  /** Told of a maintenance pass that failed; the next one tries again. */
  readonly onMaintenanceError?: (error: unknown) => void;
}

/** The port, and what an operator may do to an embedded log. */
export interface EmbeddedLog extends EventLog {
  /** Removes all records below `offset`. */
  deleteRecords(topic: string, partition: number, offset: number): Promise<void>;
  /** Removes a topic with its records and committed offsets. */
  deleteTopic(topic: string): Promise<void>;
  /** One full pass of expiry and compaction, now. */
  maintain(): Promise<void>;
}

const DEFAULTS = {
  readOnly: false,
  synchronous: 'normal',
  groupMs: 10,
  groupRecordsMax: 2_000,
  recordBytesMax: RECORD_BYTES_MAX,
  handoverWaitMs: 10_000,
  readOnlyPollMs: 100,
  maintenanceIntervalMs: 10_000,
  maintenancePauseMs: 20,
  maintenanceSliceRecordsMax: 1_000,
  compactionKeysMax: 200_000,
  compactionDirtyShareMin: 0.5,
  tombstoneRetentionMs: 24 * 60 * 60 * 1_000,
  clockMs: Date.now,
  pacing: systemPacing,
  onMaintenanceError: () => {},
} as const satisfies Partial<EmbeddedLogOptions>;

/** Throws `LOG_LOCKED` when another process owns the log, `LOG_MISSING` when there is nothing to read, `LOG_FORMAT`. */
export function openEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  const settings = { ...DEFAULTS, ...options };
  const { directory, readOnly, pacing } = settings;
  if (!readOnly) mkdirSync(directory, { recursive: true });
  const lock = readOnly ? null : lockForWriting(directory);
  const database = openDatabase(settings);
  const catalog = new Catalog(database, readOnly);
  const offsets = new CommittedOffsets(database);
  const groupCommit = new GroupCommit(database, settings, () => catalog.unstage());
  const wakeups = new Wakeups();
  const closing = new AbortController();

  const refuseReadOnly = (): void => {
    if (readOnly)
      throw new AppError(
        'LOG_READ_ONLY',
        `The event log in ${directory} was opened for reading only: open it without \`readOnly\` to write or to join a group.`,
      );
  };
  const open = (): void => {
    if (closing.signal.aborted) throw logClosed();
  };
  /** Looks at the log as it is now; a process that only reads sees what the owner wrote since. */
  const look = <Result>(at: () => Result): Result => {
    open();
    try {
      if (readOnly) catalog.refresh();
      return at();
    } catch (error) {
      throw isDatabaseError(error) ? logUnavailable('read', error) : error;
    }
  };

  const backend: LocalBackend = {
    pacing,
    partitions: (topic) => look(() => catalog.topic(topic).partitions.length),
    range: async (topic, partition) =>
      look(() => {
        const { start, tail } = catalog.partition(topic, partition);
        return { start, end: tail.end };
      }),
    read: async (topic, partition, offset, limits) =>
      look(() => catalog.topic(topic).table.read(catalog.partition(topic, partition), offset, limits)),
    appended: async (topic, partition, offset, waitMs, signal) => {
      if (readOnly) await pacing.wait(Math.min(waitMs, settings.readOnlyPollMs), signal);
      else if (look(() => catalog.partition(topic, partition).tail.end) <= offset)
        await wakeups.wait(pacing, partitionKey(topic, partition), waitMs, signal);
    },
    committed: async (group, topic, partition) => look(() => offsets.read(group, topic, partition)),
    commit: (group, topic, partition, committed, mayCommit) =>
      groupCommit.write(0, () => {
        catalog.partition(topic, partition);
        if (!mayCommit()) throw ownershipLost(topic, partition);
        offsets.write(group, topic, partition, committed);
        return { result: undefined, committed: () => {} };
      }),
  };
  const groups = new LocalGroups(backend, settings);

  const maintenance: MaintenanceContext = {
    catalog,
    groupCommit,
    nowMs: settings.clockMs,
    limits: {
      sliceRecordsMax: settings.maintenanceSliceRecordsMax,
      compactionKeysMax: settings.compactionKeysMax,
      dirtyShareMin: settings.compactionDirtyShareMin,
      tombstoneRetentionMs: settings.tombstoneRetentionMs,
    },
  };
  const maintainInBackground = async (): Promise<void> => {
    for (;;) {
      await pacing.wait(settings.maintenanceIntervalMs, closing.signal);
      if (closing.signal.aborted) return;
      try {
        for (const _ of maintenancePass(maintenance, false)) {
          await pacing.wait(settings.maintenancePauseMs, closing.signal);
          if (closing.signal.aborted) return;
        }
      } catch (error) {
        settings.onMaintenanceError(error);
      }
    }
  };
  if (!readOnly) void maintainInBackground();

  return {
    async createTopics(specs: readonly TopicSpec[]): Promise<void> {
      refuseReadOnly();
      for (const spec of specs) checkSame(spec, catalog.topics.get(spec.topic)?.spec);
      groupCommit.now(() => specs.filter((spec) => !catalog.topics.has(spec.topic)).forEach((spec) => catalog.createTopic(spec)));
      catalog.load();
    },
    async describeTopic(topic: string): Promise<TopicDescription | null> {
      const stored = look(() => catalog.topics.get(topic));
      return stored === undefined ? null : { topic, partitions: stored.partitions.length, cleanup: stored.spec.cleanup };
    },
    async growTopic(topic: string, partitions: number): Promise<void> {
      refuseReadOnly();
      const found = look(() => catalog.topic(topic).partitions.length);
      if (partitions < found) throw topicShrinks(topic, found, partitions);
      groupCommit.now(() => catalog.growTopic(topic, partitions));
      catalog.load();
    },
    async ranges(topic: string): Promise<readonly OffsetRange[]> {
      return look(() => {
        const partitions = Array.from(catalog.topic(topic).partitions.keys(), (partition) => catalog.partition(topic, partition));
        return partitions.map(({ start, tail }) => ({ start, end: tail.end }));
      });
    },
    async committedOffsets(group: string, topic: string): Promise<ReadonlyMap<number, CommittedOffset>> {
      return look(() => {
        catalog.topic(topic);
        return offsets.readAll(group, topic);
      });
    },
    async setCommittedOffset(group: string, topic: string, partition: number, committed: CommittedOffset): Promise<void> {
      refuseReadOnly();
      if (groups.hasMembers(group)) throw groupActive(group);
      look(() => catalog.partition(topic, partition));
      groupCommit.now(() => offsets.write(group, topic, partition, committed));
    },
    async producer(): Promise<Producer> {
      refuseReadOnly();
      open();
      return {
        send: async (topic, partition, records) => {
          catalog.partition(topic, partition);
          checkRecordSizes(topic, records, settings.recordBytesMax);
          return groupCommit.write(records.length, () => {
            const stored = catalog.partition(topic, partition);
            const { table } = catalog.topic(topic);
            const baseOffset = table.append(stored, settings.clockMs(), records);
            const committed = (): void => {
              table.settle(stored, true);
              wakeups.wake(partitionKey(topic, partition));
            };
            return { result: { topic, partition, baseOffset }, committed };
          });
        },
        close: async () => groupCommit.flush(),
      };
    },
    async join(joinOptions: JoinOptions): Promise<Membership> {
      refuseReadOnly();
      return groups.join(joinOptions);
    },
    async reader(readerOptions: ReaderOptions): Promise<Reader> {
      return localReader(backend, readerOptions);
    },
    async deleteRecords(topic: string, partition: number, offset: number): Promise<void> {
      refuseReadOnly();
      const stored = look(() => catalog.partition(topic, partition));
      const start = Math.min(Math.max(offset, stored.start), stored.tail.end);
      // The records themselves go with the next maintenance.
      groupCommit.now(() => catalog.setStart(stored, start));
      stored.start = start;
    },
    async deleteTopic(topic: string): Promise<void> {
      refuseReadOnly();
      groupCommit.now(() => {
        catalog.deleteTopic(topic);
        offsets.deleteTopic(topic);
      });
      catalog.load();
      wakeups.wakeAll();
    },
    async maintain(): Promise<void> {
      refuseReadOnly();
      for (const _ of maintenancePass(maintenance, true)) await setImmediate();
    },
    async close(): Promise<void> {
      if (closing.signal.aborted) return;
      groupCommit.close();
      closing.abort();
      wakeups.wakeAll();
      database.close();
      lock?.release();
    },
  };
}

function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** Throws `TOPIC_MISMATCH`. Retention may differ: it belongs to the operator. */
function checkSame(wanted: TopicSpec, found: TopicSpec | undefined): void {
  if (found === undefined || (found.partitions === wanted.partitions && found.cleanup === wanted.cleanup)) return;
  const describe = (spec: TopicSpec): string => `${spec.partitions} partitions and cleanup by ${spec.cleanup}`;
  throw new AppError(
    'TOPIC_MISMATCH',
    `Topic ${wanted.topic} has ${describe(found)}, not ${describe(wanted)}: correct the setting, or recreate the topic.`,
  );
}
