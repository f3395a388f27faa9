/** The writer as a process of its own that tests kill: `node writer-process.ts '{"brokers", "prefix", "clickhouse", "commits"}'`. `commits: "early"` makes of it
 *  what it must not be: one that commits the offset before the insert. Prints `running`. */
import { openClickHouse } from '@tokenledger/clickhouse';
import {
  decodeOffsetMetadata,
  type EventLog,
  openKafkaLog,
  type OwnedPartition,
  topicNames,
  withGroupPrefix,
} from '@tokenledger/event-log';
import { createLogger, createRegistry } from '@tokenledger/runtime';
import { createWriter, writerConfig } from '@tokenledger/writer';

export interface WriterProcessOptions {
  readonly brokers: string;
  readonly prefix: string;
  readonly clickhouse: string;
  readonly commits: 'in_order' | 'early';
}

/** The bounds of a batch are committed before it is inserted; this one commits its end there and then. */
function committingEarly(log: EventLog): EventLog {
  const early = (owned: OwnedPartition): OwnedPartition => ({
    topic: owned.topic,
    partition: owned.partition,
    committed: owned.committed,
    signal: owned.signal,
    range: () => owned.range(),
    poll: (limits) => owned.poll(limits),
    seek: (offset) => owned.seek(offset),
    commit(committed) {
      const { inHand } = decodeOffsetMetadata(committed.metadata);
      return owned.commit(inHand === null ? committed : { offset: inHand.to, metadata: '' });
    },
  });
  return {
    createTopics: (specs) => log.createTopics(specs),
    describeTopic: (topic) => log.describeTopic(topic),
    growTopic: (topic, partitions) => log.growTopic(topic, partitions),
    ranges: (topic) => log.ranges(topic),
    committedOffsets: (group, topic) => log.committedOffsets(group, topic),
    setCommittedOffset: (group, topic, partition, committed) => log.setCommittedOffset(group, topic, partition, committed),
    producer: () => log.producer(),
    reader: (options) => log.reader(options),
    join: (options) =>
      log.join({ ...options, run: (owned) => options.run(early(owned)), onError: (error, owned) => options.onError(error, owned) }),
    close: () => log.close(),
  };
}

const options = JSON.parse(process.argv[2] ?? '') as WriterProcessOptions;
const kafka = withGroupPrefix(openKafkaLog({ brokers: [options.brokers], sessionTimeoutMs: 3_000 }), options.prefix);
const writer = createWriter({
  config: writerConfig.parse({ flush_interval_ms: 200 }),
  log: options.commits === 'early' ? committingEarly(kafka) : kafka,
  topics: topicNames(options.prefix),
  clickhouse: openClickHouse({ url: options.clickhouse }),
  logger: createLogger({ level: 'warn', format: 'json' }),
  metrics: createRegistry({ processMetrics: false }),
});
await writer.start();
process.stdout.write('running\n');
