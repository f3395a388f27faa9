/** How recorded events come into the log: the journal, who publishes it, who sends again what got lost on the way, and who says how far it is numbered. */
import { hostname } from 'node:os';
import { AppError, invariant } from '@tokenledger/domain';
import { type EventLog, type Pacing, systemPacing, type Topics } from '@tokenledger/event-log';
import type { Journal, JournalAlarm, JournalDisk } from '@tokenledger/journal';
import { type Logger, within } from '@tokenledger/runtime';
import { newId } from './accepted-request.ts';
import type { IngressConfig } from './config.ts';
import { lostRecord, type JournalOnDiskOptions, openIngressJournal, openJournalOn } from './journal.ts';
import { followKnownLanes, type KnownLanes } from './known-lanes.ts';
import type { IngressMetrics } from './metrics.ts';
import { type Publisher, startPublisher } from './publisher.ts';
import { startRepublisher } from './republisher.ts';
import { isResultSource } from './result-identity.ts';
import { startSourceAnnouncer } from './source-announcer.ts';

export interface DeliveryOptions {
  readonly config: IngressConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  /** Where the journal is kept. */
  readonly directory: string;
  /** In place of the one there. */
  readonly journal?: Journal;
  /** In place of that directory; nobody else uses it. */
  readonly disk?: JournalDisk;
  readonly pacing?: Pacing;
  /** Milliseconds since the epoch; `Date.now` unless given. */
  readonly now?: () => number;
  /** A UUID, never given before. */
  readonly newId?: () => string;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
}

export type DeliveryMetrics = Pick<IngressMetrics, 'published' | 'publishFailed' | 'republished' | 'journalAlarm'>;

export interface Delivery {
  readonly journal: Journal;
  readonly publisher: Publisher;
  /** Of the topic of usage events. */
  readonly partitions: number;
  /** Entries of this source, which is numbered elsewhere, are about to be written to the journal. */
  follow(source: string, partition: number): void;
  /** What is wrong, in one sentence; `''` when nothing is. */
  trouble(): string;
  /** Call it once the publisher was drained. Whoever does not answer within the time is not waited for, but the journal is closed in any case. */
  close(deadlineMs: number): Promise<void>;
}

interface OpenedJournal {
  readonly journal: Journal;
  readonly known: KnownLanes;
  /** Nothing is taken any more, and all of it is synced. */
  shutdown(): Promise<void>;
  release(): Promise<void>;
}

/** What nothing has changed for is said again after so many intervals. */
const IDLE_INTERVALS = 10;
/** Shares of the time for closing. */
const CLOSE_SHARE = 0.3;

/** Throws `TOPIC_MISSING`, `JOURNAL_LOCKED`, `JOURNAL_UNREADABLE`, and what the log throws. */
export async function openDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { config, log, topics, logger, metrics, pacing = systemPacing, now = Date.now } = options;
  const nextId = options.newId ?? (() => newId(now()));
  const { partitions } = await describe(log, topics.usageEvents);
  const { partitions: sourcePartitions } = await describe(log, topics.sources);
  const { partitions: landedPartitions } = await describe(log, topics.landed);
  const opened = await openJournal(options);
  const { journal, known } = opened;
  const producer = await log.producer();
  let failure = '';
  known.failed.catch((error: unknown) => {
    failure = error instanceof Error ? error.message : String(error);
    logger.error(
      { err: error },
      'what has landed in ClickHouse is not followed any more: the journal only grows; start this process again',
    );
  });
  const announcer = startSourceAnnouncer({
    journal,
    producer,
    topic: topics.sources,
    partitions: sourcePartitions,
    isForeign: isResultSource,
    instance: `${hostname()}/${process.pid}`,
    earlier: known.states,
    everyMs: config.announce_interval_ms,
    idleMs: config.announce_interval_ms * IDLE_INTERVALS,
    now,
    pacing,
    onFailure: (error) => logger.debug({ err: error }, 'how far events are numbered could not be said; it is tried again'),
  });
  const republisher = startRepublisher({
    journal,
    known,
    producer,
    topic: topics.usageEvents,
    landed: { topic: topics.landed, partitions: landedPartitions },
    isForeign: isResultSource,
    isFinal: (source) => announcer.isFinal(source),
    lost: (numbered) => lostRecord(numbered, nextId(), now()),
    batchMax: config.publish_batch_max,
    lookMs: config.republish_interval_ms,
    quietMs: config.republish_quiet_ms,
    pacing,
    onRepublished({ lane: { source, partition }, range, lost }) {
      metrics.republished(range.to - range.from + 1 - lost, lost);
      const { from, to } = range;
      if (lost === 0) logger.warn({ source, partition, from, to }, 'events did not arrive in ClickHouse and are sent again');
      else
        logger.error(
          { source, partition, from, to, lost },
          'events did not arrive, and the journal has them no more: journal_lost is sent',
        );
    },
    onFailure: (error) => logger.warn({ err: error }, 'events that did not arrive could not be sent again; it is tried again'),
  });
  const publisher = startPublisher({
    journal,
    producer,
    topic: topics.usageEvents,
    batchMax: config.publish_batch_max,
    lingerMs: config.publish_linger_ms,
    retryMsMax: config.publish_retry_ms_max,
    pacing,
    onPublished: (count) => metrics.published(count),
    onFailure: (error) => {
      metrics.publishFailed();
      logger.warn({ err: error }, 'events could not be sent to the event log; they are kept and sent again');
    },
  });
  return {
    journal,
    publisher,
    partitions,
    follow: (source, partition) => known.follow(source, partition),
    trouble: () => (failure === '' ? '' : `what has landed in ClickHouse is not followed any more: ${failure}`),
    async close(deadlineMs) {
      await within(republisher.close(), deadlineMs * CLOSE_SHARE);
      await opened.shutdown();
      await within(announcer.close(), deadlineMs * CLOSE_SHARE);
      await within(Promise.all([known.close(), producer.close()]), deadlineMs * CLOSE_SHARE);
      await opened.release();
    },
  };
}

async function describe(log: EventLog, topic: string) {
  const description = await log.describeTopic(topic);
  if (description === null) throw new AppError('TOPIC_MISSING', `the topic ${topic} does not exist: run \`tokenledger migrate\``);
  return description;
}

/** What the log knows of a journal's sources is read before anything in it gets a number. */
async function openJournal(options: DeliveryOptions): Promise<OpenedJournal> {
  const { config, log, topics, directory, journal: given, disk, logger, metrics, pacing = systemPacing, now = Date.now } = options;
  let known: KnownLanes | undefined;
  const follow = (sources: ReadonlySet<string>): Promise<KnownLanes> =>
    followKnownLanes({
      log,
      topics,
      sources,
      pacing,
      observer: {
        retrying: ({ topic, error, attempt }) =>
          logger.warn({ err: error, topic, attempt }, 'a topic could not be read; it is tried again'),
      },
    });
  if (given !== undefined) {
    known = await follow(new Set([given.source, ...given.lanes().map(({ source }) => source)]));
    return { journal: given, known, shutdown: () => Promise.resolve(), release: () => Promise.resolve() };
  }
  const opening = {
    config,
    now,
    onAlarm: (alarm: JournalAlarm) => reportAlarm(alarm, logger, metrics),
    assigned: async (sources: ReadonlySet<string>) => {
      const lanes = (known = await follow(sources));
      return (source: string) => lanes.assigned(source);
    },
  };
  const opened = await (
    disk === undefined ? openIngressJournal({ ...opening, directory }) : openOn(disk, { ...opening, pacing }, options.newId)
  ).catch(async (error: unknown) => {
    await known?.close();
    throw error;
  });
  invariant(known !== undefined, 'a journal is opened after what is known of it');
  const { journal } = opened;
  const { sources, unresolved, lost } = journal.recovered;
  if (sources > 0) logger.warn({ sources, unresolved, lost }, 'an earlier ingress left entries in the journal: they are published now');
  return { journal, known, shutdown: () => journal.shutdown(), release: () => opened.close() };
}

async function openOn(disk: JournalDisk, opening: Omit<JournalOnDiskOptions, 'disk' | 'newId'>, nextId: (() => string) | undefined) {
  const journal = await openJournalOn({ ...opening, disk, newId: nextId ?? (() => newId(opening.now())) });
  return { journal, close: () => journal.shutdown() };
}

function reportAlarm(alarm: JournalAlarm, logger: Logger, metrics: DeliveryMetrics): void {
  metrics.journalAlarm(alarm.kind);
  switch (alarm.kind) {
    case 'write_failed':
      return logger.error({ err: alarm.error }, 'the disk of the journal does not take records: new requests are refused until it does');
    case 'read_failed':
      return logger.error({ err: alarm.error }, 'events cannot be read from the journal: they wait for the next start');
    case 'damaged':
      return logger.error(
        { source: alarm.source, batches: alarm.batches, numbers: alarm.numbers },
        'the journal is damaged: numbers whose events are gone are published as unresolved, with the reason journal_lost',
      );
    case 'set_aside': {
      const { source, partition, last, assigned, to } = alarm;
      return logger.error(
        { source, partition, last, assigned, to },
        'the journal was restored or copied: the ledger knows more of a source than is here, so it is set aside; `tokenledger journal import` adds what the ledger lacks',
      );
    }
  }
}
