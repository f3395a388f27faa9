/** The world as one process has it: the same log, database, disk and clock as everybody's, through its own life. */
import type { ClickHouse } from '@tokenledger/clickhouse';
import type { EventLog, Membership, OwnedPartition, Pacing, Producer } from '@tokenledger/event-log';
import type { JournalDisk, JournalFile } from '@tokenledger/journal';
import type { Life } from './life.ts';

export interface Holding {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface ProcessLog extends EventLog {
  /** Partitions that the process holds now, as far as it knows. */
  readonly holdings: ReadonlySet<Holding>;
}

export function pacingOf(pacing: Pacing, life: Life): Pacing {
  return {
    nowMs: () => pacing.nowMs(),
    random: () => pacing.random(),
    wait: (ms, signal) => life.around(() => pacing.wait(ms, signal)),
  };
}

/** `sessionMs`: how long the group waits for a member that does not answer any more. */
export function logOf(log: EventLog, life: Life, pacing: Pacing, sessionMs: number): ProcessLog {
  const holdings = new Set<Holding>();
  const ownedBy = (owned: OwnedPartition): OwnedPartition => ({
    topic: owned.topic,
    partition: owned.partition,
    committed: owned.committed,
    signal: owned.signal,
    range: () => life.around(() => owned.range()),
    poll: (limits) => life.around(() => owned.poll(limits)),
    seek: (offset) => owned.seek(offset),
    commit: (committed) => life.around(() => owned.commit(committed)),
  });
  const sent = (producer: Producer): Producer => ({
    send: (topic, partition, records) => life.around(() => producer.send(topic, partition, records)),
    close: () => life.around(() => producer.close()),
  });
  return {
    holdings,
    createTopics: (specs) => life.around(() => log.createTopics(specs)),
    describeTopic: (topic) => life.around(() => log.describeTopic(topic)),
    growTopic: (topic, partitions) => life.around(() => log.growTopic(topic, partitions)),
    ranges: (topic) => life.around(() => log.ranges(topic)),
    committedOffsets: (group, topic) => life.around(() => log.committedOffsets(group, topic)),
    setCommittedOffset: (group, topic, partition, committed) =>
      life.around(() => log.setCommittedOffset(group, topic, partition, committed)),
    producer: () => life.around(async () => sent(await log.producer())),
    async join(options): Promise<Membership> {
      const run = async (owned: OwnedPartition): Promise<void> => {
        const holding = { group: options.group, topic: owned.topic, partition: owned.partition };
        holdings.add(holding);
        try {
          await options.run(ownedBy(owned));
        } finally {
          holdings.delete(holding);
        }
      };
      // The group learns of the death by silence; it does not wait for the runs of the dead.
      const leaves = (joined: Membership): void => void pacing.wait(sessionMs).then(() => void joined.close());
      const membership = await life.around(async () => {
        const joined = await log.join({ ...options, run });
        // The group has it from now on, whether the process lives to hear of that or has died on the way here.
        if (life.dead) leaves(joined);
        else life.onDeath(() => leaves(joined));
        return joined;
      });
      return { close: () => life.around(() => membership.close()) };
    },
    reader: (options) =>
      life.around(async () => {
        const reader = await log.reader(options);
        return {
          range: () => life.around(() => reader.range()),
          poll: (limits) => life.around(() => reader.poll(limits)),
          close: () => life.around(() => reader.close()),
        };
      }),
    close: () => life.around(() => log.close()),
  };
}

export function clickhouseOf(clickhouse: ClickHouse, life: Life): ClickHouse {
  return {
    url: clickhouse.url,
    database: clickhouse.database,
    query: <Row>(...call: Parameters<ClickHouse['query']>) => life.around(() => clickhouse.query<Row>(...call)),
    queryLazily: <Row>(...call: Parameters<ClickHouse['queryLazily']>) => life.around(() => clickhouse.queryLazily<Row>(...call)),
    command: (...call) => life.around(() => clickhouse.command(...call)),
    insertRows: (...call) => life.around(() => clickhouse.insertRows(...call)),
    insertBlock: (...call) => life.around(() => clickhouse.insertBlock(...call)),
    kill: (...call) => life.around(() => clickhouse.kill(...call)),
    createDatabase: (...call) => life.around(() => clickhouse.createDatabase(...call)),
    ping: () => life.around(() => clickhouse.ping()),
    close: () => life.around(() => clickhouse.close()),
  };
}

export function diskOf(disk: JournalDisk, life: Life): JournalDisk {
  return {
    list: () => life.around(() => disk.list()),
    read: (name) => life.around(() => disk.read(name)),
    sync: (name) => life.around(() => disk.sync(name)),
    create: (name) =>
      life.around(async (): Promise<JournalFile> => {
        const file = await disk.create(name);
        return {
          append: (bytes) => life.around(() => file.append(bytes)),
          sync: () => life.around(() => file.sync()),
          close: () => life.around(() => file.close()),
        };
      }),
    remove: (name) => life.around(() => disk.remove(name)),
    setAside: (names) => life.around(() => disk.setAside(names)),
  };
}
