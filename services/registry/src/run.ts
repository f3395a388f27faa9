/** The registry role: reads the control topic, serves the admin API, and writes while it owns the topic's partition. */
import { hostname } from 'node:os';
import {
  type ConfigDocument,
  type ControlWatch,
  type KeyHashSecrets,
  type ReadEvent,
  type SecretReader,
  watchControl,
} from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import { type EventLog, GROUPS, type Membership, type Pacing, type Producer, systemPacing, type Topics } from '@tokenledger/event-log';
import { listenFailure, localUrl, type Logger, type Registry, type Role, type RoleState, within } from '@tokenledger/runtime';
import type { FastifyInstance } from 'fastify';
import { adminTokens } from './admin-tokens.ts';
import { ChangeWriter, isLoss } from './change-writer.ts';
import type { RegistryConfig } from './config.ts';
import { createAuditTrail } from './core/audit-trail.ts';
import { matchOrThrow } from './first-changes.ts';
import { handlers } from './handlers.ts';
import { registryMetrics } from './metrics.ts';
import { registryServer } from './server.ts';

export interface RegistryOptions {
  readonly config: RegistryConfig;
  readonly log: EventLog;
  readonly topics: Topics;
  /** Of the config file: applied whenever this registry becomes the one that writes. */
  readonly documents: readonly ConfigDocument[];
  readonly readSecret: SecretReader;
  readonly keyHashSecrets: KeyHashSecrets;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Of this program. */
  readonly version: string;
  /** Names this registry in its claims; default: host and process id. */
  readonly instance?: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly pacing?: Pacing;
}

export interface RegistryRole extends Role {
  /** Where it listens; `''` before the start. */
  readonly url: string;
}

/** Every pricer has an activation that long before it holds. */
const ACTIVATION_NOTICE_MS = 60_000;

export function createRegistryRole(options: RegistryOptions): RegistryRole {
  const { config, log, topics, logger, now = Date.now, pacing = systemPacing } = options;
  const metrics = registryMetrics(options.metrics);
  let state: RoleState = { status: 'stopped', detail: '' };
  let url = '';
  let app: FastifyInstance | undefined;
  let producer: Producer | undefined;
  let watch: ControlWatch | undefined;
  let writer: ChangeWriter | undefined;
  let membership: Membership | undefined;
  let left: Promise<void> | undefined;

  return {
    name: 'registry',
    get url() {
      return url;
    },

    async start() {
      state = { status: 'starting', detail: '' };
      const tokens = adminTokens(config.tokens, options.readSecret);
      if (config.tokens.length === 0) logger.warn('registry.tokens is empty: every request of the admin API is answered 401');
      try {
        await begin(tokens);
      } catch (error) {
        await letGo();
        throw error;
      }
      state = { status: 'ready', detail: '' };
      logger.info({ url, writes: writer?.serving === true }, 'listening');
    },

    async stop(deadlineMs) {
      state = { status: 'stopping', detail: '' };
      const stopped = await within(letGo(), deadlineMs);
      state = { status: 'stopped', detail: '' };
      return { left: stopped ? '' : 'a change was in hand: whether it took effect stands in the audit after the next start' };
    },

    state() {
      if (state.status !== 'ready' || writer?.serving === true) return state;
      return { status: 'ready', detail: 'stands by: another registry writes' };
    },
  };

  async function begin(tokens: ReturnType<typeof adminTokens>): Promise<void> {
    // 1. Read what holds.
    const audit = createAuditTrail();
    producer = await log.producer();
    const changes = new ChangeWriter(
      {
        topic: topics.control,
        instance: options.instance ?? `${hostname()}/${process.pid}`,
        documents: options.documents,
        readSecret: options.readSecret,
        keyHashSecrets: options.keyHashSecrets,
        changesWaitingMax: config.changes_waiting_max,
        changeTimeoutMs: config.change_timeout_ms,
        now,
        pacing,
        logger,
        metrics,
      },
      producer,
      () => opened,
    );
    const onEvent = (event: ReadEvent): void => {
      audit.take(event);
      changes.take(event);
    };
    const opened = await watchControl({
      log,
      topic: topics.control,
      audit: true,
      onEvent,
      pacing,
      observer: { retrying: () => metrics.retried() },
    });
    watch = opened;
    writer = changes;
    opened.failed.catch((error: unknown) => fail(error));
    matchOrThrow(options.keyHashSecrets, opened.documents());
    metrics.watched({
      documents: () => opened.documents(),
      owner: () => changes.serving,
      waiting: () => changes.waiting,
      behindMs: () => opened.behindMs(),
    });
    // 2. Listen: everybody may read, whoever writes.
    const context = { watch: opened, writer: changes, audit, now, activationLeadMs: ACTIVATION_NOTICE_MS + config.change_timeout_ms };
    app = registryServer({
      bodyBytesMax: config.body_bytes_max,
      tokens,
      handlers: handlers(context),
      metrics,
      logger,
      version: options.version,
    });
    await listen(app);
    // 3. Write, for as long as the partition is ours.
    membership = await log.join({
      group: GROUPS.registry,
      topics: [topics.control],
      run: (owned) => changes.run(owned),
      onError: (error, { signal }) => {
        if (isLoss(error) || (error instanceof AppError && signal.aborted)) return;
        fail(error);
        // Another registry may be able to.
        void leave();
      },
    });
    // 4. Be the one that writes, or stand by.
    const enough = new AbortController();
    await Promise.race([changes.ready, pacing.wait(config.start_wait_ms, enough.signal)]).finally(() => enough.abort());
  }

  async function listen(server: FastifyInstance): Promise<void> {
    const { host, port } = config;
    try {
      await server.listen({ host, port });
    } catch (error) {
      throw listenFailure(error, { section: 'registry', host, port });
    }
    const address = server.server.address();
    url = localUrl(host, typeof address === 'object' && address !== null ? address.port : port);
  }

  function fail(error: unknown): void {
    if (state.status === 'stopping' || state.status === 'stopped') return;
    state = { status: 'failed', detail: error instanceof Error ? error.message : String(error) };
    logger.fatal({ err: error }, 'the registry cannot go on');
  }

  async function leave(): Promise<void> {
    await (left ??= membership?.close());
  }

  /** Requests in hand end first, then the membership, so that the next registry takes over at once. */
  async function letGo(): Promise<void> {
    await app?.close();
    await leave();
    await watch?.close();
    await producer?.close();
  }
}
