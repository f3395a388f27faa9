/** A log whose user dies at a chosen step: from then on every call fails and none has an effect, as after a `kill -9`. */
import type { CommittedOffset, EventLog, OwnedPartition, Producer, Reader, SinkStore } from '@tokenledger/event-log';

class Died extends Error {
  constructor() {
    super('this process has died');
    this.name = 'Died';
  }
}

/** Counts steps, two for each call: before it takes effect and after. Dies at step `at`. */
export class Fuse {
  readonly #at: number;
  #step = 0;
  #dead = false;

  constructor(at: number) {
    this.#at = at;
  }

  get dead(): boolean {
    return this.#dead;
  }

  burn(): void {
    if (this.#dead) throw new Died();
    this.#step += 1;
    if (this.#step === this.#at) this.#dead = true;
    if (this.#dead) throw new Died();
  }

  async around<Result>(call: () => Promise<Result>): Promise<Result> {
    this.burn();
    const result = await call();
    this.burn();
    return result;
  }
}

/** For a user that lives. */
export const NEVER = Number.POSITIVE_INFINITY;

export interface MortalLog extends EventLog {
  /** The last committed offset that this user knows of, by `topic/partition`. */
  readonly commits: ReadonlyMap<string, CommittedOffset>;
  /** Records that this user polled as an owner. */
  readonly polled: number;
}

export function mortalLog(log: EventLog, fuse: Fuse): MortalLog {
  const commits = new Map<string, CommittedOffset>();
  let polled = 0;
  const mortalPartition = (owned: OwnedPartition): OwnedPartition => {
    if (owned.committed !== null) commits.set(`${owned.topic}/${owned.partition}`, owned.committed);
    return {
      topic: owned.topic,
      partition: owned.partition,
      committed: owned.committed,
      signal: owned.signal,
      range: () => fuse.around(() => owned.range()),
      poll: (limits) =>
        fuse.around(async () => {
          const records = await owned.poll(limits);
          polled += records.length;
          return records;
        }),
      seek: (offset) => owned.seek(offset),
      commit: (committed) =>
        fuse.around(async () => {
          await owned.commit(committed);
          commits.set(`${owned.topic}/${owned.partition}`, committed);
        }),
    };
  };
  const mortalProducer = (producer: Producer): Producer => ({
    send: (topic, partition, records) => fuse.around(() => producer.send(topic, partition, records)),
    close: () => producer.close(),
  });
  const mortalReader = (reader: Reader): Reader => ({
    range: () => fuse.around(() => reader.range()),
    poll: (limits) => fuse.around(() => reader.poll(limits)),
    close: () => reader.close(),
  });
  return {
    commits,
    get polled() {
      return polled;
    },
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
    producer: async () => mortalProducer(await log.producer()),
    join: (options) => log.join({ ...options, run: (owned) => options.run(mortalPartition(owned)) }),
    reader: async (options) => mortalReader(await log.reader(options)),
    close: () => log.close(),
  };
}

export function mortalStore(store: SinkStore, fuse: Fuse): SinkStore {
  return {
    takeOver: (owner) => fuse.around(() => store.takeOver(owner)),
    write: (owner, batch) => fuse.around(() => store.write(owner, batch)),
    release: (owner) => store.release(owner),
  };
}
