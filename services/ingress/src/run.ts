/** The ingress role: wires journal, publisher and server, starts them in order and stops them in the reverse one. */
import { createHash } from 'node:crypto';
import type { KeyHashSecrets, SecretReader } from '@tokenledger/control';
import type { EventLog, Producer, Topics } from '@tokenledger/event-log';
import { AppError } from '@tokenledger/domain';
import type { Journal, JournalAlarm, JournalFill } from '@tokenledger/journal';
import { listenFailure, type Logger, localUrl, type Registry, type Role, type RoleStatus, within } from '@tokenledger/runtime';
import type { RequestTracing } from '@tokenledger/tracing';
import type { FastifyInstance } from 'fastify';
import type { IngressConfig } from './config.ts';
import { fingerprinter } from './fingerprint.ts';
import { inFlightBound } from './in-flight.ts';
import { leave, leftSentence } from './leaving.ts';
import { followDocuments, type LiveDocuments } from './live-documents.ts';
import { openIngressJournal, type IngressJournal } from './journal.ts';
import { ingressMetrics } from './metrics.ts';
import { type Publisher, startPublisher } from './publisher.ts';
import { ingressServer } from './server.ts';
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
}

export interface Ingress extends Role {
  /** Where it listens; `''` before the start. */
  readonly url: string;
}

const NOTHING_HELD: JournalFill = { entries: 0, entriesMax: 1, bytes: 0, bytesMax: 1 };

export function createIngress(options: IngressOptions): Ingress {
  const { config, logger } = options;
  let status: RoleStatus = 'stopped';
  let url = '';
  let app: FastifyInstance | undefined;
  let producer: Producer | undefined;
  let publisher: Publisher | undefined;
  let documents: LiveDocuments | undefined;
  let journal: Journal | undefined;
  let closeJournal = (): Promise<void> => Promise.resolve();
  const pools = upstreams(config);
  const inFlight = inFlightBound({ inFlightBytesMax: config.request_bytes_in_flight_max, bodyBytesMax: config.body_bytes_max });
  const metrics = ingressMetrics(options.metrics, {
    journalFill: () => journal?.fill() ?? NOTHING_HELD,
    bytesInFlight: () => inFlight.bytes,
    controlBehindMs: () => documents?.behindMs() ?? 0,
    upstreamOrigins: () => pools.origins,
  });

  async function closeConnections(): Promise<void> {
    await documents?.close();
    await producer?.close();
    await pools.close();
  }

  async function openJournal(): Promise<IngressJournal> {
    const directory = config.journal_dir === '' ? options.journalDirectory : config.journal_dir;
    const opened = await openIngressJournal({ directory, config, now: Date.now, onAlarm });
    const { sources, unresolved, lost } = opened.journal.recovered;
    if (sources > 0) logger.warn({ sources, unresolved, lost }, 'an earlier ingress left entries in the journal: they are published now');
    return opened;
  }

  function onAlarm(alarm: JournalAlarm): void {
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
    }
  }

  return {
    name: 'ingress',
    get url() {
      return url;
    },

    async start() {
      status = 'starting';
      const topic = await options.log.describeTopic(options.topics.usageEvents);
      if (topic === null)
        throw new AppError('TOPIC_MISSING', `the topic ${options.topics.usageEvents} does not exist: run \`tokenledger migrate\``);
      const live = (documents = await followDocuments({
        log: options.log,
        topic: options.topics.control,
        readSecret: options.readSecret,
        keyHashSecrets: options.keyHashSecrets,
        upstreams: pools,
        metrics,
        logger,
      }));
      producer = await options.log.producer();
      const opened = options.journal === undefined ? await openJournal() : { journal: options.journal, close: closeJournal };
      closeJournal = opened.close;
      const held = (journal = opened.journal);
      publisher = startPublisher({
        journal: held,
        producer,
        topic: topic.topic,
        batchMax: config.publish_batch_max,
        lingerMs: config.publish_linger_ms,
        retryMsMax: config.publish_retry_ms_max,
        onPublished: (count) => metrics.published(count),
        onFailure: (error) => {
          metrics.publishFailed();
          logger.warn({ err: error }, 'events could not be sent to the event log; they are kept and sent again');
        },
      });
      app = ingressServer({
        config,
        journal: held,
        metrics,
        inFlight,
        tracing: options.tracing,
        control: live,
        upstreams: pools,
        fingerprint: fingerprinter(options.fingerprintSecret),
        now: Date.now,
        partitionOf: partitioner(topic.partitions),
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
      const left = await leave({ app, publisher, delayMs: config.leave_delay_ms, deadlineMs: deadlineMs * LEAVE_SHARE });
      // A log that is away is not waited for any longer: `left` says what it did not take.
      await within(closeConnections(), deadlineMs * CLOSE_SHARE);
      await closeJournal();
      status = 'stopped';
      return { left: leftSentence(left) };
    },

    state() {
      if (status !== 'ready') return { status, detail: '' };
      const waiting = publisher?.healthy === false ? `the event log does not take events; ${journal?.fill().entries} wait` : '';
      const detail = [waiting, documents?.trouble() ?? ''].filter((sentence) => sentence !== '').join('; ');
      if (documents?.failed === true) return { status: 'failed', detail };
      return detail === '' ? { status, detail } : { status: 'degraded', detail };
    },
  };
}

/** Of the time for a stop: for leaving, and for letting go of connections. The rest is for the journal. */
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
