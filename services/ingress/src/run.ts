/** The ingress role: wires documents, delivery and server, starts them in order and stops them in the reverse one. */
import { createHash } from 'node:crypto';
import type { Catalogue } from '@tokenledger/catalogue';
import type { KeyHashSecrets, SecretReader } from '@tokenledger/control';
import type { EventLog, Topics } from '@tokenledger/event-log';
import type { Journal, JournalFill } from '@tokenledger/journal';
import { listenFailure, type Logger, localUrl, type Registry, type Role, type RoleStatus, within } from '@tokenledger/runtime';
import type { RequestTracing } from '@tokenledger/tracing';
import type { FastifyInstance } from 'fastify';
import type { IngressConfig } from './config.ts';
import { type Delivery, openDelivery } from './delivery.ts';
import { answerMemory } from './answer-memory.ts';
import { channelHealth } from './channel-health.ts';
import { openCounting } from './counting.ts';
import { LaneAges } from './core/lane-ages.ts';
import { openItems, type OpenItems } from './open-items.ts';
import { recordedNames } from './recorded-names.ts';
import { resultPosting } from './result-posting.ts';
import { fingerprinter } from './fingerprint.ts';
import { inFlightBound } from './in-flight.ts';
import { leave, leftSentence } from './leaving.ts';
import { followDocuments, type LiveDocuments } from './live-documents.ts';
import { journalDirectory } from './journal.ts';
import { ingressMetrics } from './metrics.ts';
import { modelFlags } from './model-flags.ts';
import { ingressServer } from './server.ts';
import { ResponseCache } from './response-cache.ts';
import { turnOfEvents } from './turn.ts';
import { upstreams } from './upstreams.ts';

export interface IngressOptions {
  readonly config: IngressConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  /** Resolves the credentials of channels. */
  readonly readSecret: SecretReader;
  /** What virtual keys are hashed with; the same in every ingress and registry. */
  readonly keyHashSecrets: KeyHashSecrets;
  /** At least 32 bytes; keys the hashes of prompts. */
  readonly fingerprintSecret: Uint8Array;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Where the journal is kept, unless `config` names another place. */
  readonly journalDirectory: string;
  /** In place of the one on disk. */
  readonly journal?: Journal;
  /** Default: requests are not traced. */
  readonly tracing?: RequestTracing;
  /** By which retired and unknown models are flagged. Default: none are. */
  readonly catalogue?: Catalogue;
}

export interface Ingress extends Role {
  /** Where it listens; `''` before the start. */
  readonly url: string;
}

const NOTHING_HELD: JournalFill = { entries: 0, entriesMax: 1, bytes: 0, bytesMax: 1, open: 0 };

export function createIngress(options: IngressOptions): Ingress {
  const { config, logger } = options;
  let status: RoleStatus = 'stopped';
  let url = '';
  let app: FastifyInstance | undefined;
  let delivery: Delivery | undefined;
  let documents: LiveDocuments | undefined;
  let items: OpenItems | undefined;
  const pools = upstreams(config);
  const inFlight = inFlightBound({ inFlightBytesMax: config.request_bytes_in_flight_max, bodyBytesMax: config.body_bytes_max });
  const answers = answerMemory(config.answer_bytes_held_max);
  const health = channelHealth(
    config,
    () => performance.now(),
    (channelId) => metrics.channelOpened(channelId),
  );
  const cache = new ResponseCache(
    { bytesMax: config.response_cache_bytes_max, answerBytesMax: config.response_cache_answer_bytes_max },
    () => performance.now(),
  );
  const ages = new LaneAges();
  let looking: NodeJS.Timeout | undefined;
  const counting = openCounting(config, (counted) => metrics.counted(counted));
  const metrics = ingressMetrics(options.metrics, {
    journalFill: () => delivery?.journal.fill() ?? NOTHING_HELD,
    unpublished: () => agesNow().unpublished(performance.now()),
    unlanded: () => agesNow().unlanded(performance.now()),
    bytesInFlight: () => inFlight.bytes,
    answerBytesHeld: () => answers.bytes,
    openItems: () => items?.size ?? 0,
    controlBehindMs: () => documents?.behindMs() ?? 0,
    upstreamOrigins: () => pools.origins,
    counting,
    responseCache: () => cache.stats,
  });

  async function closeConnections(): Promise<void> {
    await documents?.close();
    await pools.close();
  }

  function agesNow(): LaneAges {
    ages.look(delivery?.journal.lanes() ?? [], performance.now());
    return ages;
  }

  /** What keeps events from where they belong. */
  function deliveryTroubles(): readonly string[] {
    if (delivery === undefined) return [];
    const { entries, entriesMax, bytes, bytesMax } = delivery.journal.fill();
    const unlanded = agesNow().unlanded(performance.now());
    const fate = config.journal_on_full === 'refuse' ? 'refused' : 'let through unrecorded';
    return [
      delivery.publisher.healthy ? '' : `the event log does not take events; ${entries} wait`,
      entries < entriesMax && bytes < bytesMax ? '' : `the journal is full: new requests are ${fate}`,
      unlanded.oldestMs < config.unlanded_warn_ms
        ? ''
        : `${unlanded.events} events were not seen in ClickHouse, the oldest for ${Math.round(unlanded.oldestMs / 1000)} s`,
    ];
  }

  return {
    name: 'ingress',
    get url() {
      return url;
    },

    async start() {
      status = 'starting';
      const live = (documents = await followDocuments({
        log: options.log,
        topic: options.topics.control,
        readSecret: options.readSecret,
        keyHashSecrets: options.keyHashSecrets,
        upstreams: pools,
        metrics,
        logger,
      }));
      const handedIn = (items = await openItems({
        log: options.log,
        topic: options.topics.openItems,
        itemsMax: config.open_items_max,
        waitingMax: OPEN_ITEMS_WAITING_MAX,
        keptMs: OPEN_ITEMS_KEPT_MS,
        retryMs: OPEN_ITEMS_RETRY_MS,
        now: Date.now,
        onFailure: (error) => logger.warn({ err: error }, 'who handed something in could not be told to others; it is tried again'),
        onDropped: (dropped) =>
          logger.error({ dropped }, 'who handed something in was not told to others: too much of it waits for the event log'),
      }));
      handedIn.failed.catch((error: unknown) =>
        logger.error({ err: error }, 'what others handed in is not followed any more: its results count for whoever reads them first'),
      );
      const opened = (delivery = await openDelivery({
        config,
        log: options.log,
        topics: options.topics,
        directory: journalDirectory(config, options.journalDirectory),
        ...(options.journal === undefined ? {} : { journal: options.journal }),
        logger,
        metrics,
      }));
      const { journal, partitions } = opened;
      looking = setInterval(agesNow, LOOK_INTERVAL_MS).unref();
      app = ingressServer({
        config,
        journal,
        turn: turnOfEvents(() => journal.flush()),
        metrics,
        inFlight,
        answerMemory: answers,
        cache,
        results: resultPosting({
          journal,
          items: handedIn,
          partitions,
          ownerWaitMs: config.result_owner_wait_ms,
          now: Date.now,
          follow: (source, partition) => opened.follow(source, partition),
          onPosted: ({ origin }) => metrics.resultPosted(origin),
        }),
        names: recordedNames(config.name_entries_max, (field) => metrics.nameOverflowed(field)),
        modelFlags: options.catalogue === undefined ? undefined : modelFlags(options.catalogue),
        counting,
        tracing: options.tracing,
        control: live,
        upstreams: pools,
        health,
        fingerprint: fingerprinter(options.fingerprintSecret),
        now: Date.now,
        partitionOf: partitioner(partitions),
      });
      try {
        await app.listen({ host: config.host, port: config.port });
      } catch (error) {
        throw listenFailure(error, { section: 'ingress', host: config.host, port: config.port });
      }
      const address = app.server.address();
      url = localUrl(config.host, typeof address === 'object' && address !== null ? address.port : config.port);
      status = 'ready';
      logger.info({ url }, 'listening');
    },

    async stop(deadlineMs) {
      status = 'stopping';
      clearInterval(looking);
      const left = await leave({
        app,
        publisher: delivery?.publisher,
        counting,
        delayMs: config.leave_delay_ms,
        deadlineMs: deadlineMs * LEAVE_SHARE,
      });
      // A log that is away is not waited for any longer: `left` says what it did not take.
      await within(closeConnections(), deadlineMs * CLOSE_SHARE);
      await within(items?.close() ?? Promise.resolve(), deadlineMs * CLOSE_SHARE);
      await delivery?.close(deadlineMs * CLOSE_SHARE);
      status = 'stopped';
      return { left: leftSentence(left) };
    },

    state() {
      if (status !== 'ready') return { status, detail: '' };
      const troubles = [...deliveryTroubles(), delivery?.trouble() ?? '', documents?.trouble() ?? ''];
      const detail = troubles.filter((sentence) => sentence !== '').join('; ');
      if (documents?.failed === true) return { status: 'failed', detail };
      return detail === '' ? { status, detail } : { status: 'degraded', detail };
    },
  };
}

/** What waits while the event log is away, in items and in milliseconds between two tries. */
const OPEN_ITEMS_WAITING_MAX = 50_000;
const OPEN_ITEMS_RETRY_MS = 1_000;
/** Results can be had for 30 days at most (https://platform.openai.com/docs/guides/your-data, https://docs.anthropic.com/en/docs/build-with-claude/batch-processing). */
const OPEN_ITEMS_KEPT_MS = 35 * 24 * 3_600_000;
/** How often the lanes of the journal are looked at, to know how old their events are. */
const LOOK_INTERVAL_MS = 1_000;
/** Of the time for a stop: for leaving, and three times for letting go of connections. The rest is for the journal. */
const LEAVE_SHARE = 0.85;
const CLOSE_SHARE = 0.05;

/** All events of a virtual key share a partition, the same one in every ingress. */
function partitioner(partitions: number): (keyId: string) => number {
  const known = new Map<string, number>();
  return (keyId) => {
    let partition = known.get(keyId);
    if (partition === undefined) {
      partition = createHash('sha256').update(keyId).digest().readUInt32BE(0) % partitions;
      known.set(keyId, partition);
    }
    return partition;
  };
}
