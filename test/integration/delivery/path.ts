/** The way of events without HTTP: a journal on disk, its delivery, the pricer and the writer, on an embedded log and ClickHouse. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRejected } from '@tokenledger/domain';
import { type EventLog, openEmbeddedLog, type OutgoingRecord, topicNames, topicSpecs } from '@tokenledger/event-log';
import { type Delivery, ingressConfig, ingressMetrics, openDelivery } from '@tokenledger/ingress';
import { createPricer, pricerConfig } from '@tokenledger/pricer';
import type { Journal } from '@tokenledger/journal';
import { parsePriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';
import { createLogger, createRegistry, type Role, silentLogger } from '@tokenledger/runtime';
import { encodeUsageEvent, readIdentity } from '@tokenledger/schemas';
import { createWriter, writerConfig } from '@tokenledger/writer';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Ledger } from '../writer/ledger.ts';
import { pricedEvent } from '../writer/priced-events.ts';

const PARTITIONS = 2;
const STOP_MS = 5_000;
const TIMEOUT_MS = 30_000;
/** Short waits, so that a test need not be long. */
const CONFIG = { publish_linger_ms: 1, republish_interval_ms: 20, republish_quiet_ms: 1_000_000, announce_interval_ms: 20 };

export type Sent = { readonly source: string; readonly partition: number; readonly sequence: number };

export interface EventPath extends AsyncDisposable {
  readonly log: EventLog;
  readonly topics: ReturnType<typeof topicNames>;
  readonly directory: string;
  /** Usage events that delivery sent, swallowed ones included, in order. */
  readonly sent: Sent[];
  /** Answers with true for a record that the log acknowledges and forgets. */
  swallows: (sent: Sent) => boolean;
  open(change?: { readonly directory?: string; readonly quietMs?: number }): Promise<Delivery>;
  /** Opens a request that nobody ends; resolves with the id of its event once it is safe. */
  openRequest(delivery: Delivery, partition?: number): Promise<string>;
  /** Records an event in the journal; resolves with its number once it is safe. */
  record(delivery: Delivery, partition?: number): Promise<number>;
  startConsumers(): Promise<void>;
  /** Waits until ClickHouse has this of each lane, by `source/partition`. */
  landed(delivery: Delivery, through: number, partition?: number): Promise<void>;
  /** Lines of delivery's log that warn. */
  readonly warnings: string[];
}

const book = parsePriceBook(readFileSync(SHIPPED_PRICE_BOOK, 'utf8'));
if (isRejected(book)) throw new Error(book.message);
const priceBook = book;

export async function openPath(ledger: Ledger): Promise<EventPath> {
  await ledger.empty();
  const resources = new AsyncDisposableStack();
  const folder = resources.use(await makeTempDir('delivery'));
  const log = resources.adopt(openEmbeddedLog({ directory: join(folder.path, 'log') }), (open) => open.close());
  const topics = topicNames('');
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, retentionMs: 3_600_000 }));
  const warnings: string[] = [];
  const sent: Sent[] = [];
  const logger = createLogger({ level: 'warn', format: 'json', output: { write: (line: string) => void warnings.push(line) } });
  let numbered = 0;

  const path: EventPath = {
    log,
    topics,
    directory: join(folder.path, 'journal'),
    sent,
    warnings,
    swallows: () => false,
    async open(change = {}) {
      const delivery = await openDelivery({
        config: ingressConfig.parse({ ...CONFIG, ...(change.quietMs === undefined ? {} : { republish_quiet_ms: change.quietMs }) }),
        log: watched(log),
        topics,
        directory: change.directory ?? path.directory,
        logger,
        metrics: ingressMetrics(createRegistry({ processMetrics: false }), NO_GAUGES),
      });
      let closed: Promise<void> | undefined;
      const close = (deadlineMs: number): Promise<void> => (closed ??= delivery.close(deadlineMs));
      resources.defer(() => close(STOP_MS));
      return { ...delivery, close };
    },
    openRequest({ journal }, partition = 0) {
      const { event, entry } = opened(journal, partition);
      return new Promise((resolve) => journal.onSynced(entry.position, () => resolve(event.eventId)));
    },
    record({ journal }, partition = 0) {
      const { event, entry } = opened(journal, partition);
      let number = 0;
      const position = journal.close(entry, 'key', (sequence) => {
        number = sequence;
        return encodeUsageEvent({ ...event, source: journal.source, sequence });
      });
      return new Promise((resolve) => journal.onSynced(position, () => resolve(number)));
    },
    async startConsumers() {
      const common = { log, topics, logger: silentLogger(), metrics: createRegistry({ processMetrics: false }) };
      const roles: readonly Role[] = [
        createPricer({ ...common, config: pricerConfig.parse({}), priceBook }),
        createWriter({
          ...common,
          config: writerConfig.parse({ flush_interval_ms: 10, landed_interval_ms: 20 }),
          clickhouse: ledger.clickhouse,
        }),
      ];
      for (const role of roles) {
        await role.start();
        resources.defer(async () => void (await role.stop(STOP_MS)));
      }
    },
    async landed({ journal }, through, partition = 0) {
      const lane = () => journal.lanes().find((one) => one.source === journal.source && one.partition === partition);
      await waitFor(() => (lane()?.landed ?? 0) >= through, {
        timeoutMs: TIMEOUT_MS,
        describe: () => `number ${through} to land; known is ${JSON.stringify(lane())}; ${warnings.join('')}`,
      });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return path;

  function opened(journal: Journal, partition: number) {
    numbered += 1;
    const { event } = pricedEvent(numbered);
    const facts = encodeUsageEvent({ ...event, source: journal.source, sequence: 0, outcome: 'unresolved', attempts: [] });
    const entry = journal.open({ partition, facts: () => facts });
    if (entry === null) throw new Error('the journal is full');
    return { event, entry };
  }

  /** The log, as delivery sees it. */
  function watched(real: EventLog): EventLog {
    return new Proxy(real, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name !== 'producer') return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        return async () => {
          const producer = await target.producer();
          return {
            close: () => producer.close(),
            send: (topic: string, partition: number, records: readonly OutgoingRecord[]) => {
              if (topic !== topics.usageEvents) return producer.send(topic, partition, records);
              const kept = records.filter((record) => {
                const identity = readIdentity(record.headers ?? {});
                if (identity === null) throw new Error('a usage event has an identity');
                sent.push({ ...identity, partition });
                return !path.swallows({ ...identity, partition });
              });
              if (kept.length === 0) return Promise.resolve({ topic, partition, baseOffset: 0 });
              return producer.send(topic, partition, kept);
            },
          };
        };
      },
    });
  }
}

const NO_GAUGES: Parameters<typeof ingressMetrics>[1] = {
  unpublished: () => ({ events: 0, oldestMs: 0 }),
  unlanded: () => ({ events: 0, oldestMs: 0 }),
  journalFill: () => ({ entries: 0, open: 0, entriesMax: 1, bytes: 0, bytesMax: 1 }),
  bytesInFlight: () => 0,
  answerBytesHeld: () => 0,
  openItems: () => 0,
  controlBehindMs: () => 0,
  upstreamOrigins: () => 0,
  counting: undefined,
  responseCache: () => ({ entries: 0, bytes: 0, hits: 0, misses: 0, stored: 0, evicted: 0 }),
};
