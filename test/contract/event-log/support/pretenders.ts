/** Logs that pretend: each looks right and breaks one promise. The contract must catch every one of them. */
import { AppError } from '@tokenledger/domain';
import type { EventLog, JoinOptions, OwnedPartition, Producer } from '@tokenledger/event-log';

/** A log with some calls replaced. */
function disguised(log: EventLog, changed: Partial<EventLog>): EventLog {
  return {
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
    producer: () => log.producer(),
    join: (options) => log.join(options),
    reader: (options) => log.reader(options),
    close: () => log.close(),
    ...changed,
  };
}

function withSend(log: EventLog, send: (real: Producer) => Producer['send']): EventLog {
  return disguised(log, {
    producer: async () => {
      const real = await log.producer();
      return { send: send(real), close: () => real.close() };
    },
  });
}

function withOwned(log: EventLog, change: (owned: OwnedPartition) => Partial<OwnedPartition>): EventLog {
  const disguise = (owned: OwnedPartition): OwnedPartition => ({
    topic: owned.topic,
    partition: owned.partition,
    committed: owned.committed,
    signal: owned.signal,
    range: () => owned.range(),
    poll: (limits) => owned.poll(limits),
    seek: (offset) => owned.seek(offset),
    commit: (committed) => owned.commit(committed),
    ...change(owned),
  });
  return disguised(log, { join: (options: JoinOptions) => log.join({ ...options, run: (owned) => options.run(disguise(owned)) }) });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof AppError && error.code === code;
}

/** Stores 99 of 100 records. */
export function dropsOneIn100(log: EventLog): EventLog {
  let count = 0;
  return withSend(log, (real) => (topic, partition, records) => {
    const kept = records.filter(() => (count += 1) % 100 !== 0);
    return real.send(topic, partition, kept);
  });
}

/** Answers every send and stores none. */
export function storesNothing(log: EventLog): EventLog {
  let next = 0;
  return withSend(log, () => async (topic, partition, records) => {
    const baseOffset = next;
    next += records.length;
    return { topic, partition, baseOffset };
  });
}

/** Sends to a partition that is not there land in partition 0. */
export function choosesPartitions(log: EventLog): EventLog {
  return withSend(log, (real) => async (topic, partition, records) => {
    try {
      return await real.send(topic, partition, records);
    } catch (error) {
      if (!isCode(error, 'PARTITION_MISSING')) throw error;
      return real.send(topic, 0, records);
    }
  });
}

/** Forgets the headers of records. */
export function forgetsHeaders(log: EventLog): EventLog {
  return withSend(
    log,
    (real) => (topic, partition, records) =>
      real.send(
        topic,
        partition,
        records.map(({ key, value }) => ({ key, value })),
      ),
  );
}

/** Keeps offsets and drops their metadata. */
export function ignoresMetadata(log: EventLog): EventLog {
  return withOwned(log, (owned) => ({ commit: ({ offset }) => owned.commit({ offset, metadata: '' }) }));
}

/** Answers every commit and stores none. */
export function commitsNothing(log: EventLog): EventLog {
  return withOwned(log, () => ({ commit: async () => {} }));
}

/** Lets an old owner commit. */
export function trustsOldOwners(log: EventLog): EventLog {
  return withOwned(log, (owned) => ({
    commit: async (committed) => {
      try {
        await owned.commit(committed);
      } catch (error) {
        if (!isCode(error, 'OWNERSHIP_LOST')) throw error;
      }
    },
  }));
}

/** Jumps to what is left when the position has expired, as some clients do. */
export function resetsByItself(log: EventLog): EventLog {
  return withOwned(log, (owned) => ({
    poll: async (limits) => {
      try {
        return await owned.poll(limits);
      } catch (error) {
        if (!isCode(error, 'OFFSET_OUT_OF_RANGE')) throw error;
        owned.seek((await owned.range()).start);
        return owned.poll(limits);
      }
    },
  }));
}

/** Returns twice as many records as asked for. */
export function ignoresLimits(log: EventLog): EventLog {
  return withOwned(log, (owned) => ({ poll: (limits) => owned.poll({ ...limits, recordsMax: limits.recordsMax * 100 }) }));
}
