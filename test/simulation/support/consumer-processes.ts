/** The pricer and the writer: the real decisions in the real shapes, above a log and a database of their own life. */
import { invariant } from '@tokenledger/domain';
import { runSink, runTransform, type SinkStore, type TopicDescription } from '@tokenledger/event-log';
import { decide } from '@tokenledger/pricer';
import { NOTHING_AGREED } from '@tokenledger/pricing';
import { createRegistry } from '@tokenledger/runtime';
import {
  type Classify,
  classifyDeadLetters,
  createLandedAnnouncer,
  ledgerStore,
  placedStore,
  type StoreOptions,
  writerMetrics,
} from '@tokenledger/writer';
import type { Life } from './life.ts';
import { clickhouseOf, logOf, pacingOf, type ProcessLog } from './process-ports.ts';
import { classifyRecorded } from './recorded-block.ts';
import { PRICES, START_MS } from './request-facts.ts';
import { tokenTrustingStore } from './token-trusting-store.ts';
import type { World } from './world.ts';

const SESSION_MS = 60;
const BATCH = { batchRecordsMax: 120, batchBytesMax: 1024 * 1024 } as const;
const PRICER_LINGER_MS = 20;
const WRITER_LINGER_MS = 40;
const RETRY = { initialMs: 10, maxMs: 300 } as const;
const KILL_WAIT_MS = 200;
/** Few, so that what memory does not know is asked. */
const MISSING_RANGES_MAX = 3;
const SOURCES_MAX = 4;
const ANNOUNCE_MS = 60;
const ANNOUNCED_RANGES_MAX = 3;

/** Metrics of a process that nobody asks. */
const NO_METRICS: StoreOptions['metrics'] = writerMetrics(createRegistry({ processMetrics: false }));

export interface ConsumerProcess {
  readonly life: Life;
  readonly log: ProcessLog;
}

/** Throws what a start throws: the process ends then. */
export async function startPricer(world: World, life: Life): Promise<ConsumerProcess> {
  const { topics } = world;
  const log = logOf(world.log, life, world.clock, SESSION_MS);
  const context = {
    prices: PRICES,
    agreed: NOTHING_AGREED,
    pricedTopic: topics.usagePriced,
    deadLetterTopic: topics.deadLetter,
    fits: () => true,
  };
  const running = await runTransform({
    log,
    group: 'pricer',
    topic: topics.usageEvents,
    outputTopics: [topics.usagePriced, topics.deadLetter],
    checkpointTopic: topics.checkpoints,
    ...BATCH,
    lingerMs: PRICER_LINGER_MS,
    retry: RETRY,
    pacing: pacingOf(world.clock, life),
    decide: (records) => decide(records, context).map(({ output }) => output),
  });
  running.failed.catch((error: unknown) => world.onDefect(error));
  return { life, log };
}

/** Throws what a start throws: the process ends then. */
export async function startWriter(world: World, life: Life): Promise<ConsumerProcess> {
  const { topics, clock, nodes } = world;
  const log = logOf(world.log, life, clock, SESSION_MS);
  const producer = await log.producer();
  const { partitions } = await describeOrThrow(log, topics.landed);
  const shards = nodes.map((node) => {
    const clickhouse = clickhouseOf(node, life);
    const announcer = createLandedAnnouncer({
      reader: { clickhouse, database: clickhouse.database },
      producer,
      topic: topics.landed,
      partitions,
      everyMs: ANNOUNCE_MS,
      rangesMax: ANNOUNCED_RANGES_MAX,
      now: () => Math.floor(START_MS + clock.nowMs()),
      pacing: pacingOf(clock, life),
      onFailure: () => undefined,
      onAnnounced: () => undefined,
    });
    return { clickhouse, announcer };
  });
  const storeOf = (classify: Classify): SinkStore => {
    const placed = shards.map(({ clickhouse, announcer }) => {
      const options: StoreOptions = {
        clickhouse,
        classify,
        producer,
        deadLetterTopic: topics.deadLetter,
        metrics: NO_METRICS,
        now: () => clock.nowMs(),
        killWaitMs: KILL_WAIT_MS,
        missingRangesMax: MISSING_RANGES_MAX,
        sourcesMax: SOURCES_MAX,
        onWritten: (owner, sources) => announcer.written(owner.partition, sources),
      };
      return { clickhouse, store: storeFor(world, options) };
    });
    return placedStore({ shards: [placed], onUnasked: () => undefined });
  };
  const sinks = [
    { group: 'writer', topic: topics.usagePriced, store: storeOf(classifyRecorded) },
    { group: 'writer-dead-letters', topic: topics.deadLetter, store: storeOf(classifyDeadLetters) },
  ];
  for (const sink of sinks) {
    const running = await runSink({
      log,
      ...sink,
      checkpointTopic: topics.checkpoints,
      ...BATCH,
      lingerMs: WRITER_LINGER_MS,
      retry: RETRY,
      pacing: pacingOf(clock, life),
    });
    running.failed.catch((error: unknown) => world.onDefect(error));
  }
  return { life, log };
}

async function describeOrThrow(log: ProcessLog, topic: string): Promise<TopicDescription> {
  const description = await log.describeTopic(topic);
  invariant(description !== null, `the topic ${topic} was made`);
  return description;
}

/** Dead letters are written as they are. */
function storeFor(world: World, options: StoreOptions): SinkStore {
  const trusts = world.variant.store === 'token_trusted' && options.classify === classifyRecorded;
  return trusts ? tokenTrustingStore(options, world.decidedBatches) : ledgerStore(options);
}
