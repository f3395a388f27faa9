/** A log whose user does not notice that it lost a partition, and goes on reading and sending: a zombie, on any adapter. */
import type { EventLog, OwnedPartition, PollLimits, Reader } from '@tokenledger/event-log';

export interface DeafLog extends EventLog {
  /** Partitions that were lost without anybody noticing. */
  readonly lost: number;
  /** Lets the user hear at last. */
  hear(): void;
}

export function deafLog(log: EventLog): DeafLog {
  const heard = new AbortController();
  const deafened = new WeakMap<OwnedPartition, OwnedPartition>();
  let lost = 0;

  /** Reads on outside of the group once ownership is lost. */
  const deafPartition = (owned: OwnedPartition): OwnedPartition => {
    const { topic, partition, committed } = owned;
    let position = committed?.offset ?? 0;
    let reader: Reader | null = null;
    const poll = async (limits: PollLimits) => {
      if (!owned.signal.aborted) {
        const records = await owned.poll(limits);
        if (!owned.signal.aborted) return records;
      }
      reader ??= await log.reader({ topic, partition, from: position });
      return reader.poll(limits);
    };
    return {
      topic,
      partition,
      committed,
      signal: heard.signal,
      range: () => owned.range(),
      poll: async (limits) => {
        const records = await poll(limits);
        position = (records.at(-1)?.offset ?? position - 1) + 1;
        return records;
      },
      seek: (offset) => {
        position = offset;
        reader = null;
        owned.seek(offset);
      },
      commit: (next) => owned.commit(next),
    };
  };

  return {
    get lost() {
      return lost;
    },
    hear: () => heard.abort(),
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
    producer: () => log.producer(),
    reader: (options) => log.reader(options),
    close: () => log.close(),
    join: (options) =>
      log.join({
        ...options,
        run: (owned) => {
          owned.signal.addEventListener('abort', () => (lost += 1), { once: true });
          const deaf = deafPartition(owned);
          deafened.set(owned, deaf);
          return options.run(deaf);
        },
        onError: (error, owned) => options.onError(error, deafened.get(owned) ?? owned),
      }),
  };
}
