/** The pricer role: a transform from `usage.events` to `usage.priced`. The shape reads, sends and commits; `core/decide.ts` decides. */
import {
  consumers,
  type EventLog,
  GROUPS,
  type LagWatch,
  RECORD_BYTES_MAX,
  recordBytes,
  runTransform,
  type Running,
  type ShapeObserver,
  type Topics,
  watchLags,
} from '@tokenledger/event-log';
import type { PriceBook } from '@tokenledger/pricing';
import { type Logger, partitionHealth, type Registry, type Role, type RoleState, within } from '@tokenledger/runtime';
import type { PricerConfig } from './config.ts';
import { decide, type Decision, type InForce, type PricerContext } from './core/decide.ts';
import { pricerMetrics } from './metrics.ts';
import { followPrices, type LivePrices } from './live-prices.ts';
import { freshPrices, staleness } from './price-view.ts';

export interface PricerOptions {
  readonly config: PricerConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  /** In force until the control topic activates another. */
  readonly priceBook: PriceBook;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Milliseconds since the epoch, for metrics and logs alone. */
  readonly now?: () => number;
}

export function createPricer(options: PricerOptions): Role {
  const { config, log, topics, logger, now = Date.now } = options;
  let prices: LivePrices | undefined;
  const metrics = pricerMetrics(options.metrics, () => prices?.behindMs() ?? 0);
  const health = partitionHealth();
  const context: Omit<PricerContext, keyof InForce> = {
    pricedTopic: topics.usagePriced,
    deadLetterTopic: topics.deadLetter,
    fits: (record) => recordBytes(record) <= RECORD_BYTES_MAX,
  };
  let state: RoleState = { status: 'stopped', detail: '' };
  let transform: Running | undefined;
  let lagWatch: LagWatch | undefined;

  const observer: ShapeObserver = {
    batch: ({ topic, partition }) => health.fine(topic, partition),
    retrying({ topic, partition, error, attempt }) {
      metrics.retried();
      health.trouble(topic, partition, 'waits', error);
      logger.warn({ err: error, partition, attempt }, 'events could not be passed on; nothing is lost, they are taken up again');
    },
    stopped({ topic, partition, error }) {
      metrics.stopped();
      health.trouble(topic, partition, 'has stopped', error);
      logger.error({ err: error, partition }, 'a partition stopped: its events wait in the event log until the pricer is started again');
    },
  };

  return {
    name: 'pricer',

    async start() {
      state = { status: 'starting', detail: '' };
      const live = (prices = await followPrices({ log, topic: topics.control, first: options.priceBook, logger }));
      transform = await runTransform({
        log,
        group: GROUPS.pricer,
        topic: topics.usageEvents,
        outputTopics: [topics.usagePriced, topics.deadLetter],
        checkpointTopic: topics.checkpoints,
        batchRecordsMax: config.batch_records_max,
        batchBytesMax: config.batch_bytes_max,
        lingerMs: config.linger_ms,
        observer,
        decide: (records) => {
          const decisions = decide(records, { ...context, ...freshPrices(live, config.prices_behind_ms_max) });
          metrics.decided(decisions, Math.max(0, now() - (records[0]?.timestampMs ?? now())));
          logRefused(logger, decisions);
          return decisions.map(({ output }) => output);
        },
      });
      transform.failed.catch((error: unknown) => {
        state = { status: 'failed', detail: error instanceof Error ? error.message : String(error) };
        logger.fatal({ err: error }, 'the pricer met what cannot be');
      });
      lagWatch = watchLags({
        log,
        consumers: consumers(topics).filter(({ role }) => role === 'pricer'),
        onLags: (lags) => lags.forEach((lag) => metrics.behind(lag.partition, lag.records)),
        onFailure: (error) => logger.debug({ err: error }, 'how much waits could not be seen'),
      });
      state = { status: 'ready', detail: '' };
      const { version, entries } = live.current().prices.bookAt(now());
      logger.info({ price_version: version, prices: entries.length }, 'pricing');
    },

    async stop(deadlineMs) {
      state = { status: 'stopping', detail: '' };
      const closed = await within(Promise.all([transform?.close(), lagWatch?.close()]), deadlineMs);
      await prices?.close();
      state = { status: 'stopped', detail: '' };
      return { left: closed ? '' : 'a batch was in hand: it is priced again after the next start' };
    },

    state() {
      const stale = prices === undefined ? '' : staleness(prices, config.prices_behind_ms_max);
      const detail = stale === '' ? health.sentence() : stale;
      return state.status === 'ready' && detail !== '' ? { status: 'degraded', detail } : state;
    },
  };
}

/** One line per batch, whatever it held: a producer that sends nothing but rubbish must not fill the disk with logs. */
function logRefused(logger: Logger, decisions: readonly Decision[]): void {
  const refused = decisions.filter((decision) => decision.kind !== 'priced');
  const [first] = refused;
  if (first === undefined) return;
  logger.warn({ count: refused.length, first: { kind: first.kind, code: first.code } }, 'events were refused; they are in dead_letters');
}
