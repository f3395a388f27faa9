/** What is known of the brokers, the topics' partitions and their leaders, and the connections to them. */
import { AppError } from '@tokenledger/domain';
import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
import errors from 'kafkajs/src/protocol/error.js';
import protocol, { type MetadataAnswer, type Requests } from 'kafkajs/src/protocol/requests/index.js';
import loggers, { type KafkaJsLogger } from 'kafkajs/src/loggers/index.js';
import { partitionMissing, topicMissing } from '../local/backend.ts';
import { backoffMs } from '../shapes/retry.ts';
import { finalFailure, isCoordinatorMoved, isConnectionFailure, isStaleMetadata, unavailable } from './failures.ts';
import type { Address } from './link.ts';
import { Link } from './link.ts';
import type { KafkaSettings } from './options.ts';

export interface KnownTopic {
  readonly topic: string;
  /** By partition: the node that leads it, or -1 while none does. */
  readonly leaders: readonly number[];
  /** Copies of the partition that has the fewest, and of the one that has the fewest in sync. */
  readonly replicas: number;
  readonly insyncReplicas: number;
}

export interface Brokers {
  readonly count: number;
  readonly controllerId: number;
}

const RETRY = { initialMs: 5, maxMs: 250 } as const;
/** A topic that was created a moment ago is not yet known to every broker. */
const MISSING_CONFIRM_MS = 300;
const METADATA_VERSION = 6;

export class Cluster {
  readonly settings: KafkaSettings;
  readonly #logger: KafkaJsLogger;
  readonly #links = new Map<string, Link>();
  readonly #nodes = new Map<number, Address>();
  readonly #topics = new Map<string, { readonly known: KnownTopic; readonly atMs: number }>();
  readonly #asking = new Map<string, Promise<KnownTopic | null>>();
  readonly #coordinators = new Map<string, number>();
  readonly #closing = new AbortController();
  #answered: Address | null = null;
  #brokers: Brokers = { count: 0, controllerId: -1 };

  constructor(settings: KafkaSettings) {
    this.settings = settings;
    this.#logger = loggers.createLogger({
      level: loggers.LEVELS.WARN,
      // What fails comes back as an exception, too, and is told where its meaning is known.
      logCreator:
        () =>
        ({ namespace, log }) =>
          settings.logger('debug', `kafkajs ${namespace}: ${log.message}`, log),
    });
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** Tries until it succeeds, fails for good, or `timeoutMs` are over: then throws `LOG_UNAVAILABLE`. Throws `LOG_CLOSED`, `LOG_DENIED`. */
  async persist<Result>(what: string, step: () => Promise<Result>, timeoutMs = this.settings.timeoutMs): Promise<Result> {
    const { pacing } = this.settings;
    const deadlineMs = pacing.nowMs() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      this.assertOpen();
      try {
        return await step();
      } catch (error) {
        this.assertOpen();
        const final = finalFailure(what, error);
        if (final !== null) throw final;
        const pauseMs = backoffMs({ pacing, limits: RETRY }, attempt);
        if (pacing.nowMs() + pauseMs >= deadlineMs) throw error instanceof AppError ? error : unavailable(what, error);
        await pacing.wait(pauseMs, this.#closing.signal);
      }
    }
  }

  assertOpen(): void {
    if (this.#closing.signal.aborted) throw new AppError('LOG_CLOSED', 'The event log is closed: stop what uses it first.');
  }

  /** A connection of its own for each purpose: what is answered late for one does not hold up another. */
  link(nodeId: number, purpose: string): Link {
    const address = this.#nodes.get(nodeId);
    if (address === undefined) throw new Error(`broker ${nodeId} is not known`);
    return this.#linkTo(address, purpose);
  }

  #linkTo(address: Address, purpose: string): Link {
    const key = `${address.host}:${address.port} ${purpose}`;
    const link = this.#links.get(key) ?? new Link(address, this.settings, this.#logger);
    if (!this.#closing.signal.aborted) this.#links.set(key, link);
    return link;
  }

  /** Closes a connection that nobody needs any more. */
  release(nodeId: number, purpose: string): void {
    const address = this.#nodes.get(nodeId);
    if (address === undefined) return;
    const key = `${address.host}:${address.port} ${purpose}`;
    this.#links.get(key)?.close();
    this.#links.delete(key);
  }

  /** Asks one broker after the other: first the one that answered last, so that one that is gone holds up nothing. */
  async anyBroker<Result>(ask: (link: Link) => Promise<Result>): Promise<Result> {
    const last = this.#answered === null ? [] : [this.#answered];
    let failure: unknown = new Error('no broker is named');
    for (const address of [...last, ...this.#nodes.values(), ...this.settings.brokers.map(parseAddress)]) {
      try {
        const result = await ask(this.#linkTo(address, 'general'));
        this.#answered = address;
        return result;
      } catch (error) {
        if (!isConnectionFailure(error)) throw error;
        failure = error;
        this.#answered = null;
      }
    }
    throw failure;
  }

  /** What was learned of a topic, however long ago; undefined when it is not known. */
  remembered(topic: string): KnownTopic | undefined {
    return this.#topics.get(topic)?.known;
  }

  /** What is known is outdated: ask again before it is used. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Throws `TOPIC_MISSING`. */
  async topic(topic: string): Promise<KnownTopic> {
    const stored = this.#topics.get(topic);
    if (stored !== undefined && this.settings.pacing.nowMs() - stored.atMs < this.settings.metadataAgeMsMax) return stored.known;
    const found = await this.lookUp(topic);
    if (found !== null) return found;
    // Only a topic that stays missing is missing.
    const again = await this.#confirmMissing(topic);
    if (again === null) throw topicMissing(topic);
    return again;
  }

  async #confirmMissing(topic: string): Promise<KnownTopic | null> {
    const { pacing } = this.settings;
    const deadlineMs = pacing.nowMs() + MISSING_CONFIRM_MS;
    let found: KnownTopic | null = null;
    while (found === null && pacing.nowMs() < deadlineMs) {
      await pacing.wait(MISSING_CONFIRM_MS / 6, this.#closing.signal);
      found = await this.lookUp(topic);
    }
    return found;
  }

  /** Asks now. Null when the brokers do not know the topic. */
  lookUp(topic: string): Promise<KnownTopic | null> {
    const asking = this.#asking.get(topic) ?? this.#askFor(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  async #askFor(topic: string): Promise<KnownTopic | null> {
    const answer = await this.anyBroker((link) => link.request(metadataRequest([topic])));
    this.#learnBrokers(answer);
    const found = answer.topicMetadata.find((one) => one.topic === topic);
    if (found === undefined) return null;
    if (found.topicErrorCode !== 0) {
      const error = errors.createErrorFromCode(found.topicErrorCode);
      if (error.type === 'UNKNOWN_TOPIC_OR_PARTITION') {
        this.#topics.delete(topic);
        return null;
      }
      throw error;
    }
    const leaders: number[] = Array.from({ length: found.partitionMetadata.length }, () => -1);
    for (const { partitionId, leader } of found.partitionMetadata) leaders[partitionId] = leader;
    const known = {
      topic,
      leaders,
      replicas: Math.min(...found.partitionMetadata.map(({ replicas }) => replicas.length)),
      insyncReplicas: Math.min(...found.partitionMetadata.map(({ isr }) => isr.length)),
    };
    this.#topics.set(topic, { known, atMs: this.settings.pacing.nowMs() });
    return known;
  }

  #learnBrokers(answer: MetadataAnswer): void {
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port });
    const present = new Set(answer.brokers.map(({ nodeId }) => nodeId));
    for (const nodeId of this.#nodes.keys()) if (!present.has(nodeId)) this.#nodes.delete(nodeId);
    this.#brokers = { count: answer.brokers.length, controllerId: answer.controllerId };
  }

  /** As the last answer about a topic had it. */
  get brokers(): Brokers {
    return this.#brokers;
  }

  /** Throws `TOPIC_MISSING`, `PARTITION_MISSING`; an error that passes while the partition has no leader. */
  async leader(topic: string, partition: number): Promise<number> {
    let known = await this.topic(topic);
    if (partition >= known.leaders.length) {
      // It may have grown since.
      this.forget(topic);
      known = await this.topic(topic);
      if (partition >= known.leaders.length) throw partitionMissing(topic, partition, known.leaders.length);
    }
    const leader = known.leaders[partition] ?? -1;
    if (leader < 0) {
      this.forget(topic);
      throw new Error(`${topic}/${partition} has no leader now`);
    }
    return leader;
  }

  /** One request to the leader of a partition; what it is told of a leader that moved is taken up. */
  async atLeader<Result>(
    topic: string,
    partition: number,
    purpose: string,
    ask: (link: Link, nodeId: number) => Promise<Result>,
  ): Promise<Result> {
    const leader = await this.leader(topic, partition);
    try {
      return await ask(this.link(leader, purpose), leader);
    } catch (error) {
      if (isStaleMetadata(error) || isConnectionFailure(error)) this.forget(topic);
      throw error;
    }
  }

  /** One request to a group's coordinator. */
  async atCoordinator<Result>(group: string, purpose: string, ask: (link: Link) => Promise<Result>): Promise<Result> {
    const nodeId = this.#coordinators.get(group) ?? (await this.#findCoordinator(group));
    try {
      return await ask(this.link(nodeId, purpose));
    } catch (error) {
      if (isCoordinatorMoved(error) || isConnectionFailure(error)) this.#coordinators.delete(group);
      throw error;
    }
  }

  async #findCoordinator(group: string): Promise<number> {
    const { coordinator } = await this.anyBroker((link) =>
      link.send('GroupCoordinator', { coordinatorKey: group, groupId: group, coordinatorType: 0 }),
    );
    const { nodeId, host, port } = coordinator;
    this.#nodes.set(nodeId, { host, port });
    this.#coordinators.set(group, nodeId);
    return nodeId;
  }

  /** Where a group's coordinator is, as far as is known: for connections to be released. */
  coordinatorOf(group: string): number {
    return this.#coordinators.get(group) ?? -1;
  }
}

function metadataRequest(topics: readonly string[]): ProtocolRequest<MetadataAnswer> {
  const definition: Requests['Metadata'] = protocol.requests.Metadata;
  const { request, response } = definition.protocol({ version: METADATA_VERSION })({ topics, allowAutoTopicCreation: false });
  // One topic's error is not the others'.
  return { request, response: { decode: response.decode, parse: async (decoded: MetadataAnswer) => decoded } };
}

/** `host:port`, an IPv6 address in brackets. Throws `LOG_ADDRESS_INVALID`. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d+)$/.exec(text.trim());
  const host = match?.groups?.['six'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || !(port > 0 && port < 65_536))
    throw new AppError('LOG_ADDRESS_INVALID', `The broker address ${JSON.stringify(text)} is not host:port.`);
  return { host, port };
}
