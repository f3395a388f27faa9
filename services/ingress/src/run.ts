/** The ingress role: wires journal, publisher and server, starts them in order and stops them in the reverse one. */
import { createHash } from 'node:crypto';
import type { KeyHashSecrets, SecretReader } from '@tokenledger/control';
import type { EventLog, Producer, Topics } from '@tokenledger/event-log';
import { AppError } from '@tokenledger/domain';
import { type Journal, memoryJournal } from '@tokenledger/journal';
import { listenFailure, type Logger, localUrl, type Registry, type Role, type RoleStatus } from '@tokenledger/runtime';
import type { RequestTracing } from '@tokenledger/tracing';
import type { FastifyInstance } from 'fastify';
import { newId } from './accepted-request.ts';
import type { IngressConfig } from './config.ts';
import { fingerprinter } from './fingerprint.ts';
import { inFlightBound } from './in-flight.ts';
import { leave, leftSentence } from './leaving.ts';
import { followDocuments, type LiveDocuments } from './live-documents.ts';
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
  /** Default: one in memory, within the limits of `config`. */
  readonly journal?: Journal;
  /** Default: requests are not traced. */
  readonly tracing?: RequestTracing;
}

export interface Ingress extends Role {
  /** Where it listens; `''` before the start. */
  readonly url: string;
}

export function createIngress(options: IngressOptions): Ingress {
  const { config, logger } = options;
  let status: RoleStatus = 'stopped';
  let url = '';
  let app: FastifyInstance | undefined;
  let producer: Producer | undefined;
  let publisher: Publisher | undefined;
  let documents: LiveDocuments | undefined;
  const pools = upstreams(config);
  const journal = options.journal ?? newJournal(config);
  const inFlight = inFlightBound({ inFlightBytesMax: config.request_bytes_in_flight_max, bodyBytesMax: config.body_bytes_max });
  const metrics = ingressMetrics(options.metrics, journal, {
    bytesInFlight: () => inFlight.bytes,
    controlBehindMs: () => documents?.behindMs() ?? 0,
    upstreamOrigins: () => pools.origins,
  });

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
      publisher = startPublisher({
        journal,
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
        journal,
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
      const left = await leave({ app, publisher, delayMs: config.leave_delay_ms, deadlineMs });
      await documents?.close();
      await producer?.close();
      await pools.close();
      await journal.shutdown();
      status = 'stopped';
      return { left: leftSentence(left) };
    },

    state() {
      if (status !== 'ready') return { status, detail: '' };
      const waiting = publisher?.healthy === false ? `the event log does not take events; ${journal.fill().entries} wait` : '';
      const detail = [waiting, documents?.trouble() ?? ''].filter((sentence) => sentence !== '').join('; ');
      if (documents?.failed === true) return { status: 'failed', detail };
      return detail === '' ? { status, detail } : { status: 'degraded', detail };
    },
  };
}

function newJournal(config: IngressConfig): Journal {
  return memoryJournal({
    source: `ingress/${newId(Date.now())}`,
    entriesMax: config.journal_entries_max,
    bytesMax: config.journal_bytes_max,
  });
}

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
