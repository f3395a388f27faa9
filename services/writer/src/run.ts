/** The writer role: one sink for priced events, one for dead letters, one for the audit of changes, one for what sources say, all into ClickHouse. */
import { type ClickHouse, placeOf } from '@tokenledger/clickhouse';
import { AppError } from '@tokenledger/domain';
import {
  consumers,
  type EventLog,
  GROUPS,
  lagsOf,
  type LagWatch,
  type Producer,
  runSink,
  type Running,
  type ShapeObserver,
  type SinkOwner,
  type SinkStore,
  type Topics,
  watchLags,
} from '@tokenledger/event-log';
import type { PriceBook } from '@tokenledger/pricing';
import { type Logger, partitionHealth, type Registry, type Role, type RoleState, within } from '@tokenledger/runtime';
import type { WriterConfig } from './config.ts';
import { type Classify, classifyDeadLetters, classifyPriced } from './core/classify.ts';
import { classifyControl } from './core/classify-control.ts';
import { classifySources } from './core/source-row.ts';
import { createLandedAnnouncer, type LandedAnnouncer } from './landed-announcer.ts';
import { writerMetrics } from './metrics.ts';
import { placedStore } from './placed-store.ts';
import { keepPriceTables, type PriceTables } from './price-tables.ts';
import { sealedDays } from './sealed-days.ts';
import { createSealer, type Sealer } from './sealer.ts';
import { sourceStore } from './source-store.ts';
import { ledgerStore, type LedgerStore } from './store.ts';

export interface WriterOptions {
  readonly config: WriterConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  /** Its database is migrated. The writer does not close it. */
  readonly clickhouse: ClickHouse;
  /** In force until the control topic activates another. With it the tables of prices are kept, for whoever recomputes amounts; absent: not by this writer. */
  readonly priceBook?: PriceBook;
  /** Of a cluster: its nodes, shard by shard, replica by replica, each with the database that holds the rows. Default: `clickhouse` has the rows itself. */
  readonly nodes?: readonly (readonly ClickHouse[])[];
  /** What follows from days that are over, done by whoever seals them. The writer closes it. */
  readonly volumes?: { look(signal: AbortSignal): Promise<number>; close(): Promise<void> };
  readonly logger: Logger;
  readonly metrics: Registry;
}

const SEALING_PARTITION = 0;
/** Sources say something every second; nobody needs it sooner than this. */
const SOURCES_LINGER_MS = 2_000;

/** Who says what has landed on a node, and the stores that write there. */
interface NodeLanding {
  readonly announcer: LandedAnnouncer;
  readonly ledgers: LedgerStore[];
}

type Landings = ReadonlyMap<ClickHouse, NodeLanding>;

export function createWriter(options: WriterOptions): Role {
  const { config, log, topics, clickhouse, volumes, logger } = options;
  const metrics = writerMetrics(options.metrics);
  const health = partitionHealth();
  let state: RoleState = { status: 'stopped', detail: '' };
  let producer: Producer | undefined;
  let lagWatch: LagWatch | undefined;
  let landings: Landings = new Map();
  let priceTables: PriceTables | undefined;
  const sinks: Running[] = [];
  const sealer = sealerOf();

  const observer: ShapeObserver = {
    batch: ({ topic, partition }) => health.fine(topic, partition),
    retrying({ topic, partition, error, attempt }) {
      metrics.retried(topic);
      health.trouble(topic, partition, 'waits', error);
      logger.warn({ err: error, topic, partition, attempt }, 'rows could not be written; nothing is lost, they are taken up again');
    },
    stopped({ topic, partition, error }) {
      metrics.stopped(topic);
      health.trouble(topic, partition, 'has stopped', error);
      logger.error(
        { err: error, topic, partition },
        'a partition stopped: its rows wait in the event log until the writer is started again',
      );
    },
  };

  return {
    name: 'writer',

    async start() {
      state = { status: 'starting', detail: '' };
      // 1. Reach ClickHouse: a wrong address is an error of the start, not a retry for ever.
      await clickhouse.ping();
      producer = await log.producer();
      // 2. Write priced events; each of the two sinks has a group of its own and advances by itself.
      const landed = await landingsFor(producer);
      sinks.push(await startSink(GROUPS.writer, topics.usagePriced, sealing(storeFor(classifyPriced, producer, landed))));
      // 3. Write dead letters: those of the pricer, and those of step 2.
      sinks.push(await startSink(GROUPS.writerDeadLetters, topics.deadLetter, storeFor(classifyDeadLetters, producer, landed)));
      // 4. Write the audit of changes to the documents.
      sinks.push(await startSink(GROUPS.writerAudit, topics.control, storeFor(classifyControl, producer)));
      // 5. Write what sources say of themselves.
      sinks.push(await startSink(GROUPS.writerSources, topics.sources, storeFor(classifySources, producer), SOURCES_LINGER_MS));
      // 6. Beside all that, keep the tables that amounts can be computed again from.
      if (options.priceBook !== undefined) {
        priceTables = keepPriceTables({
          clickhouse,
          log,
          topic: topics.control,
          priceBook: options.priceBook,
          onFailure: (error) => logger.warn({ err: error }, 'the tables of prices could not be kept; it is tried again'),
        });
      }
      lagWatch = watchLags({
        log,
        consumers: consumers(topics).filter(({ role }) => role === 'writer'),
        onLags: (lags) => lags.forEach((lag) => metrics.behind(lag.consumer.topic, lag.partition, lag.records)),
        onFailure: (error) => logger.debug({ err: error }, 'how much waits could not be seen'),
      });
      state = { status: 'ready', detail: '' };
    },

    async stop(deadlineMs) {
      state = { status: 'stopping', detail: '' };
      const closed = await within(closeAll(), deadlineMs);
      state = { status: 'stopped', detail: '' };
      return { left: closed ? '' : 'a batch was in hand: it is written after the next start' };
    },

    state() {
      const detail = health.sentence();
      return state.status === 'ready' && detail !== '' ? { status: 'degraded', detail } : state;
    },
  };

  async function startSink(group: string, topic: string, store: SinkStore, lingerMs = config.flush_interval_ms): Promise<Running> {
    const sink = await runSink({
      log,
      group,
      topic,
      checkpointTopic: topics.checkpoints,
      store,
      batchRecordsMax: config.batch_records_max,
      batchBytesMax: config.batch_bytes_max,
      lingerMs,
      observer,
    });
    sink.failed.catch((error: unknown) => {
      state = { status: 'failed', detail: error instanceof Error ? error.message : String(error) };
      logger.fatal({ err: error, topic }, 'the writer met what cannot be');
    });
    return sink;
  }

  function storeFor(classify: Classify, letters: Producer, landed?: Landings): SinkStore {
    const storeOn = (node: ClickHouse): SinkStore => {
      const announcer = landed?.get(node)?.announcer;
      const ledger = ledgerStore({
        clickhouse: node,
        database: clickhouse.database,
        classify,
        producer: letters,
        deadLetterTopic: topics.deadLetter,
        metrics,
        now: Date.now,
        killWaitMs: config.kill_wait_ms,
        missingRangesMax: config.missing_ranges_max,
        sourcesMax: config.sources_max,
        ...(announcer === undefined ? {} : { onWritten: (owner, sources) => announcer.written(owner.partition, sources) }),
      });
      landed?.get(node)?.ledgers.push(ledger);
      return classify === classifySources ? sourceStore(node, ledger) : ledger;
    };
    const placedOn = (nodes: readonly (readonly ClickHouse[])[]): SinkStore =>
      placedStore({
        shards: nodes.map((replicas) => replicas.map((node) => ({ clickhouse: node, store: storeOn(node) }))),
        onUnasked: (url, error) =>
          logger.warn({ err: error, url }, 'a ClickHouse node could not be asked whether it has the fence of a partition'),
      });
    const store = options.nodes === undefined ? storeOn(clickhouse) : placedOn(options.nodes);
    return {
      ...store,
      async takeOver(owner) {
        await store.takeOver(owner);
        health.fine(owner.topic, owner.partition);
      },
    };
  }

  /** One per node, since what is read of a partition is read where it is written; both sinks share it. */
  async function landingsFor(sender: Producer): Promise<Landings> {
    const described = await log.describeTopic(topics.landed);
    if (described === null) throw new AppError('TOPIC_MISSING', `the topic ${topics.landed} does not exist: run \`tokenledger migrate\``);
    const announcedBy = (node: ClickHouse): NodeLanding => {
      const ledgers: LedgerStore[] = [];
      const announcer = createLandedAnnouncer({
        reader: { clickhouse: node, database: clickhouse.database },
        producer: sender,
        topic: topics.landed,
        partitions: described.partitions,
        everyMs: config.landed_interval_ms,
        rangesMax: config.missing_ranges_max,
        now: Date.now,
        onAnnounced(lanes) {
          metrics.landed(lanes);
          for (const lane of lanes) if (lane.missing.length > 0) for (const ledger of ledgers) ledger.lacks(lane);
        },
        onFailure: (error) => logger.warn({ err: error, url: node.url }, 'what has landed could not be read or said; it is tried again'),
      });
      return { announcer, ledgers };
    };
    landings = new Map((options.nodes?.flat() ?? [clickhouse]).map((node) => [node, announcedBy(node)]));
    return landings;
  }

  /** Whoever owns partition 0 seals days, under the same epoch and behind the same fence. */
  function sealing(store: SinkStore): SinkStore {
    const seals = (owner: SinkOwner): boolean => owner.partition === SEALING_PARTITION;
    return {
      ...store,
      async takeOver(owner) {
        await store.takeOver(owner);
        if (seals(owner)) sealer.start(owner);
      },
      release(owner) {
        if (seals(owner)) sealer.stop(owner);
        store.release(owner);
      },
    };
  }

  function sealerOf(): Sealer {
    const shards = options.nodes ?? [[clickhouse]];
    return createSealer({
      days: sealedDays({ node: placeOf(shards, SEALING_PARTITION), database: clickhouse.database, shards }),
      async behind() {
        const usage = consumers(topics).filter(({ topic }) => topic === topics.usageEvents || topic === topics.usagePriced);
        const lags = await Promise.all(usage.map((consumer) => lagsOf(log, consumer)));
        return [...new Set(lags.flat().flatMap(({ partition, records }) => (records > 0 ? [partition] : [])))];
      },
      retention: { days: config.retention_days, byTenant: new Map(Object.entries(config.tenant_retention_days)) },
      allowedLatenessMs: config.allowed_lateness_ms,
      intervalMs: config.seal_interval_ms,
      now: Date.now,
      logger,
      metrics,
      ...(volumes === undefined ? {} : { afterSealing: (signal: AbortSignal) => volumes.look(signal) }),
    });
  }

  async function closeAll(): Promise<void> {
    await Promise.all([lagWatch?.close(), priceTables?.close(), ...sinks.splice(0).map((sink) => sink.close())]);
    await sealer.close();
    await volumes?.close();
    await Promise.all([...landings.values()].map(({ announcer }) => announcer.close()));
    await producer?.close();
  }
}
