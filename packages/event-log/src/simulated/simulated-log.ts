/** The event log in memory, with a virtual clock and seeded faults: what the shapes are tried against. The same seed gives the same run. */
import { AppError } from '@tokenledger/domain';
import type { LocalBackend } from '../local/backend.ts';
import { groupActive, ownershipLost } from '../local/backend.ts';
import { LocalGroups } from '../local/groups.ts';
import { localReader } from '../local/reader.ts';
import { Wakeups } from '../local/wakeups.ts';
import type { Pacing } from '../pacing.ts';
import type { Appended, CommittedOffset, EventLog, JoinOptions, OutgoingRecord } from '../port.ts';
import { checkRecordSizes, RECORD_BYTES_MAX } from '../record-size.ts';
import type { SimulatedFault, SimulatedFaults } from './faults.ts';
import { NO_FAULTS } from './faults.ts';
import { MemoryStore } from './memory-store.ts';
import { seededRandom } from './random.ts';

export interface SimulatedLogOptions {
  readonly seed: number;
  readonly clock: Pacing;
  readonly faults?: Partial<SimulatedFaults>;
  /** Told of each fault as it happens. */
  readonly onFault?: (fault: SimulatedFault) => void;
  readonly recordBytesMax?: number;
  readonly handoverWaitMs?: number;
}

/** The port, and what a test may do to the log behind everybody's back. */
export interface SimulatedLog extends EventLog {
  setFaults(faults: Partial<SimulatedFaults>): void;
  /** From now on every call fails, until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** Gives a partition to another member of the group, or to the same one again. The old owner learns of it after `noticeMs`. */
  changeOwner(group: string, topic: string, partition: number, noticeMs: number): void;
  /** Removes all records below `offset`. */
  deleteRecords(topic: string, partition: number, offset: number): void;
  /** Loses the records at `end` and beyond. */
  truncate(topic: string, partition: number, end: number): void;
  deleteTopic(topic: string): void;
  compact(topic: string): void;
}

const HANDOVER_WAIT_MS = 1_000;
/** The date at which virtual time begins: 2026-01-01. */
const EPOCH_MS = 1_767_225_600_000;

export function simulatedLog(options: SimulatedLogOptions): SimulatedLog {
  const { clock, recordBytesMax = RECORD_BYTES_MAX, handoverWaitMs = HANDOVER_WAIT_MS } = options;
  const random = seededRandom(options.seed);
  const store = new MemoryStore();
  const wakeups = new Wakeups();
  const owners = new Map<string, { readonly group: string; readonly topic: string; readonly partition: number }>();
  let faults: SimulatedFaults = { ...NO_FAULTS, ...options.faults };
  let awayUntilMs = Number.NEGATIVE_INFINITY;
  let closed = false;

  const happens = (fault: SimulatedFault): boolean => {
    if (faults[fault] <= 0 || random() >= faults[fault]) return false;
    options.onFault?.(fault);
    return true;
  };
  const delay = async (): Promise<void> => {
    if (faults.delayMsMax > 0) await clock.wait(random() * faults.delayMsMax);
  };
  /** A call on its way to the log: time passes, owners change, the log is there or not. */
  const arrive = async (): Promise<void> => {
    if (closed) throw new AppError('LOG_CLOSED', 'The event log is closed: stop what uses it first.');
    await delay();
    if (happens('goesAway')) awayUntilMs = clock.nowMs() + random() * faults.awayMsMax;
    if (happens('ownershipChanges')) changeAnyOwner();
    if (clock.nowMs() < awayUntilMs) throw unavailable('the log is away');
  };
  const changeAnyOwner = (): void => {
    const all = [...owners.values()];
    const chosen = all[Math.floor(random() * all.length)];
    if (chosen !== undefined) groups.evict(chosen.group, chosen.topic, chosen.partition, random() * faults.noticeMsMax);
  };
  const append = (topic: string, partition: number, records: readonly OutgoingRecord[]): Appended => {
    const baseOffset = store.append(topic, partition, records, EPOCH_MS + clock.nowMs());
    wakeups.wake(`${topic}/${partition}`);
    return { topic, partition, baseOffset };
  };
  const appendLate = async (topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<void> => {
    await delay();
    if (store.find(topic) !== undefined) append(topic, partition, records);
  };
  const send = async (topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<Appended> => {
    await arrive();
    store.partition(topic, partition);
    checkRecordSizes(topic, records, recordBytesMax);
    if (happens('sendFails')) throw unavailable('a send failed');
    if (happens('sendArrivesLate')) {
      void appendLate(topic, partition, records);
      throw unavailable('a send got no answer');
    }
    if (happens('sendStoredTwice')) append(topic, partition, records);
    const appended = append(topic, partition, records);
    await delay();
    if (happens('sendResponseLost')) throw unavailable('the answer to a send was lost');
    return appended;
  };
  /** A look that may fail, and changes nothing. */
  const look = async <Result>(at: () => Result): Promise<Result> => {
    await arrive();
    if (happens('readFails')) throw unavailable('a read failed');
    return at();
  };

  const backend: LocalBackend = {
    pacing: clock,
    partitions: (topic) => store.topic(topic).spec.partitions,
    range: (topic, partition) => look(() => store.range(topic, partition)),
    read: (topic, partition, offset, limits) => look(() => store.read(topic, partition, offset, limits)),
    appended: async (topic, partition, offset, waitMs, signal) => {
      if (store.range(topic, partition).end <= offset) await wakeups.wait(clock, `${topic}/${partition}`, waitMs, signal);
    },
    committed: (group, topic, partition) => look(() => store.committed(group, topic, partition)),
    commit: async (group: string, topic: string, partition: number, committed: CommittedOffset, mayCommit: () => boolean) => {
      await arrive();
      if (happens('commitFails')) throw unavailable('a commit failed');
      if (!mayCommit()) throw ownershipLost(topic, partition);
      store.commit(group, topic, partition, committed);
      await delay();
      if (happens('commitResponseLost')) throw unavailable('the answer to a commit was lost');
    },
  };
  const groups = new LocalGroups(backend, { handoverWaitMs });

  return {
    createTopics: async (specs) => {
      await arrive();
      for (const spec of specs) store.createTopic(spec);
    },
    describeTopic: async (topic) => {
      await arrive();
      const found = store.find(topic)?.spec;
      return found === undefined ? null : { topic, partitions: found.partitions, cleanup: found.cleanup };
    },
    growTopic: async (topic, partitions) => {
      await arrive();
      store.growTopic(topic, partitions);
    },
    ranges: (topic) => look(() => store.topic(topic).partitions.map(({ start, end }) => ({ start, end }))),
    committedOffsets: (group, topic) => look(() => store.committedOffsets(group, topic)),
    setCommittedOffset: async (group, topic, partition, committed) => {
      await arrive();
      if (groups.hasMembers(group)) throw groupActive(group);
      store.commit(group, topic, partition, committed);
    },
    producer: async () => {
      // One send in flight per partition, as the port promises.
      const inFlight = new Map<string, Promise<unknown>>();
      return {
        send: (topic, partition, records) => {
          const key = `${topic}/${partition}`;
          const before = inFlight.get(key) ?? Promise.resolve();
          const sent = before.then(() => send(topic, partition, records));
          // The next send waits for this one, whatever becomes of it: its own caller hears of a failure.
          const settled = sent.then(
            () => {},
            () => {},
          );
          inFlight.set(key, settled);
          return sent;
        },
        close: async () => {
          await Promise.all(inFlight.values());
        },
      };
    },
    join: async (joinOptions: JoinOptions) => {
      await arrive();
      for (const topic of joinOptions.topics) {
        for (let partition = 0; partition < backend.partitions(topic); partition += 1) {
          const owner = { group: joinOptions.group, topic, partition };
          owners.set(JSON.stringify(owner), owner);
        }
      }
      return groups.join(joinOptions);
    },
    reader: async (readerOptions) => localReader(backend, readerOptions),
    close: async () => {
      closed = true;
      wakeups.wakeAll();
    },
    setFaults: (changed) => {
      faults = { ...faults, ...changed };
    },
    goAway: () => {
      awayUntilMs = Number.POSITIVE_INFINITY;
    },
    comeBack: () => {
      awayUntilMs = Number.NEGATIVE_INFINITY;
    },
    changeOwner: (group, topic, partition, noticeMs) => groups.evict(group, topic, partition, noticeMs),
    deleteRecords: (topic, partition, offset) => store.deleteRecords(topic, partition, offset),
    truncate: (topic, partition, end) => store.truncate(topic, partition, end),
    deleteTopic: (topic) => {
      store.deleteTopic(topic);
      wakeups.wakeAll();
    },
    compact: (topic) => store.compact(topic),
  };
}

function unavailable(what: string): AppError {
  return new AppError('LOG_UNAVAILABLE', `Simulated: ${what}.`, { retryable: true });
}
