/** The pricer role: a transform from `usage.events` to `usage.priced`. The shape reads, sends and commits; `core/decide.ts` decides. */
import {
  type EventLog,
  GROUPS,
  RECORD_BYTES_MAX,
  recordBytes,
  runTransform,
  type Running,
  type ShapeObserver,
  type Topics,
} from '@tokenledger/event-log';
import { type Logger, partitionHealth, type Registry, type Role, type RoleState, within } from '@tokenledger/runtime';
import type { PricerConfig } from './config.ts';
import { decide, type Decision, type PricerContext } from './core/decide.ts';
import { pricerMetrics } from './metrics.ts';
import { freshPrices, type PriceView, staleness } from './price-view.ts';

export interface PricerOptions {
  readonly config: PricerConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  readonly prices: PriceView;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Milliseconds since the epoch, for metrics and logs alone. */
  readonly now?: () => number;
}

export function createPricer(options: PricerOptions): Role {
  const { config, log, topics, logger, now = Date.now } = options;
  const metrics = pricerMetrics(options.metrics, () => options.prices.behindMs());
  const health = partitionHealth();
  const context: Omit<PricerContext, 'prices'> = {
    pricedTopic: topics.usagePriced,
    deadLetterTopic: topics.deadLetter,
    fits: (record) => recordBytes(record) <= RECORD_BYTES_MAX,
  };
  let state: RoleState = { status: 'stopped', detail: '' };
  let transform: Running | undefined;

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
      transform = await runTransform({
        log,
        group: GROUPS.pricer,
        topic: topics.usageEvents,
        outputTopics: [topics.usagePriced, topics.deadLetter],
        batchRecordsMax: config.batch_records_max,
        batchBytesMax: config.batch_bytes_max,
        lingerMs: config.linger_ms,
        observer,
        decide: (records) => {
        checkpointTopic: topics.checkpoints,
          const decisions = decide(records, { ...context, prices: freshPrices(options.prices) });
          metrics.decided(decisions, Math.max(0, now() - (records[0]?.timestampMs ?? now())));
          logRefused(logger, decisions);
          return decisions.map(({ output }) => output);
        },
      });
      transform.failed.catch((error: unknown) => {
        state = { status: 'failed', detail: error instanceof Error ? error.message : String(error) };
        logger.fatal({ err: error }, 'the pricer met what cannot be');
      });
      state = { status: 'ready', detail: '' };
      const { version, entries } = options.prices.current().bookAt(now());
      logger.info({ price_version: version, prices: entries.length }, 'pricing');
    },

    async stop(deadlineMs) {
      state = { status: 'stopping', detail: '' };
      const closed = await within(transform?.close() ?? Promise.resolve(), deadlineMs);
      state = { status: 'stopped', detail: '' };
      return { left: closed ? '' : 'a batch was in hand: it is priced again after the next start' };
    },

    state() {
      const detail = [staleness(options.prices), health.sentence()].filter((sentence) => sentence !== '').join('; ');
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
