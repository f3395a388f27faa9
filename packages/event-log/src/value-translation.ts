/** One log whose values look different inside than to whoever writes and reads them, as a schema registry's framing does. */
import type { EventLog, LogRecord, OutgoingRecord, PollLimits, Producer } from './port.ts';

export interface ValueTranslation {
  /** What `toLog` needs; done before the first send to a translated topic. */
  prepare(): Promise<void>;
  toLog(value: Uint8Array): Uint8Array;
  /** One result for each value, in their order. */
  fromLog(values: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

/** Translates the values of some topics. Sends and polls also throw what the translation throws; then nothing was sent, and the next poll gives what this one had. */
export function withTranslatedValues(log: EventLog, topics: readonly string[], translation: ValueTranslation): EventLog {
  const translated = new Set(topics);
  return {
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
    producer: async () => translatedProducer(await log.producer(), translated, translation),
    join: (options) => {
      const run: typeof options.run = (owned) => {
        if (!translated.has(owned.topic)) return options.run(owned);
        const { poll, clear } = translatedPoll((limits) => owned.poll(limits), translation);
        return options.run({
          topic: owned.topic,
          partition: owned.partition,
          committed: owned.committed,
          signal: owned.signal,
          range: () => owned.range(),
          poll: async (limits) => (owned.signal.aborted ? [] : poll(limits)),
          seek: (offset) => {
            clear();
            owned.seek(offset);
          },
          commit: (committed) => owned.commit(committed),
        });
      };
      return log.join({ ...options, run });
    },
    reader: async (options) => {
      const reader = await log.reader(options);
      if (!translated.has(options.topic)) return reader;
      const { poll } = translatedPoll((limits) => reader.poll(limits), translation);
      return { range: () => reader.range(), poll, close: () => reader.close() };
    },
    close: () => log.close(),
  };
}

function translatedProducer(producer: Producer, translated: ReadonlySet<string>, translation: ValueTranslation): Producer {
  let prepared: Promise<void> | undefined;
  const prepare = (): Promise<void> => {
    prepared ??= translation.prepare().catch((error: unknown) => {
      // The next send tries again.
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
  const toLog = (record: OutgoingRecord): OutgoingRecord =>
    record.value === null ? record : { ...record, value: translation.toLog(record.value) };
  return {
    send: async (topic, partition, records) => {
      if (!translated.has(topic)) return producer.send(topic, partition, records);
      // Every send waits for the same promise, so that none overtakes another.
      await prepare();
      return producer.send(topic, partition, records.map(toLog));
    },
    close: () => producer.close(),
  };
}

interface TranslatedPoll {
  readonly poll: (limits: PollLimits) => Promise<readonly LogRecord[]>;
  /** Forgets what was polled and could not be translated. */
  readonly clear: () => void;
}

function translatedPoll(polled: (limits: PollLimits) => Promise<readonly LogRecord[]>, translation: ValueTranslation): TranslatedPoll {
  let waiting: readonly LogRecord[] = [];
  return {
    poll: async (limits) => {
      if (waiting.length === 0) waiting = await polled(limits);
      const records = waiting;
      const values = await translation.fromLog(records.flatMap(({ value }) => value ?? []));
      // Somebody may have moved the position meanwhile: then these are of the past.
      if (waiting === records) waiting = [];
      const next = values.values();
      return records.map((record) => (record.value === null ? record : { ...record, value: next.next().value ?? record.value }));
    },
    clear: () => {
      waiting = [];
    },
  };
}
