/** A ledger with events that were priced by one book, a writer, and re-ratings that can be killed at any of their sends. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { formatUsd, type UsageEvent } from '@tokenledger/domain';
import { type EventLog, openEmbeddedLog, type OutgoingRecord, type Producer, topicNames, topicSpecs } from '@tokenledger/event-log';
import { type Agreements, type PriceBook, rateEvent } from '@tokenledger/pricing';
import {
  type Agreed,
  type DailyVolumes,
  dailyVolumes,
  type PostOptions,
  postVolumes,
  rerate,
  type Rerated,
  type Selection,
  type VolumePostOptions,
  type VolumesPosted,
} from '@tokenledger/rerating';
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { encodePriced, identityHeaders } from '@tokenledger/schemas';
import { createWriter, writerConfig } from '@tokenledger/writer';
import { BEFORE, FIRST_OCCURRED_MS, rerateEvent } from '../../support/rerating-events.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Ledger } from '../writer/ledger.ts';

const PARTITIONS = 2;
const STEP_MS = 600_000;
/** So that there are many slices, and hours with more rows than a slice may have. */
const SLICE_ROWS_MAX = 20;
const TIMEOUT_MS = 30_000;
const STOP_MS = 5_000;
const HOUR_MS = 3_600_000;

export interface World extends AsyncDisposable {
  readonly log: EventLog;
  readonly topics: ReturnType<typeof topicNames>;
  /** All events. */
  readonly period: Selection;
  /** Posts what is missing to `count` events, priced by `BEFORE`. */
  fill(count: number, change?: (event: UsageEvent) => UsageEvent): Promise<void>;
  /** `dies`: see `dyingProducer`. */
  rerate(book: PriceBook, options?: Partial<PostOptions> & { readonly dies?: Death }): Promise<Rerated>;
  /** Of the month through the last event. */
  volumes(agreements: Agreements, options?: Partial<VolumePostOptions> & { readonly dies?: Death }): Promise<VolumesPosted>;
  written(): Promise<void>;
  events(): readonly UsageEvent[];
  /** What the ledger must say of these events at these prices, in USD. */
  costAt(book: PriceBook): string;
  /** Events that must have no cost at these prices. */
  unpricedAt(book: PriceBook): number;
}

/** After which send. */
export interface Death {
  readonly send: number;
}

export class Killed extends Error {}

export interface WorldOptions {
  /** Between two events. */
  readonly stepMs?: number;
  /** The writer posts by these what a month's volume changes for each day that is over. */
  readonly agreed?: Agreed;
}

export async function openWorld(ledger: Ledger, { stepMs = STEP_MS, agreed }: WorldOptions = {}): Promise<World> {
  await ledger.empty();
  const resources = new AsyncDisposableStack();
  const folder = resources.use(await makeTempDir('rerating'));
  const log = resources.adopt(openEmbeddedLog({ directory: join(folder.path, 'log') }), (open) => open.close());
  const topics = topicNames('');
  // The usage topics grew, the topic of lines did not.
  const specs = topicSpecs(topics, { partitions: PARTITIONS, retentionMs: HOUR_MS });
  await log.createTopics(specs.map((spec) => (spec.topic === topics.statementLines ? { ...spec, partitions: 1 } : spec)));
  const daily = (terms: Agreed): DailyVolumes =>
    dailyVolumes({
      log,
      topics,
      clickhouse: ledger.clickhouse,
      agreed: async () => terms,
      instance: 'host/1',
      written: () => world.written(),
      now: () => FIRST_OCCURRED_MS + HOUR_MS * 1_000,
      newId: () => randomUUID(),
      onPosted: () => {},
      onHeld: (error) => {
        throw error;
      },
    });
  const writer = createWriter({
    log,
    topics,
    clickhouse: ledger.clickhouse,
    config: writerConfig.parse({
      flush_interval_ms: 10,
      landed_interval_ms: 20,
      ...(agreed === undefined ? {} : { seal_interval_ms: 1_000, allowed_lateness_ms: 0 }),
    }),
    ...(agreed === undefined ? {} : { volumes: daily(agreed) }),
    logger: silentLogger(),
    metrics: createRegistry({ processMetrics: false }),
  });
  await writer.start();
  resources.defer(async () => void (await writer.stop(STOP_MS)));
  const producer = await log.producer();
  resources.defer(() => producer.close());
  const events = new Map<number, ReturnType<typeof rerateEvent>>();
  let statements = 0;

  const world: World = {
    log,
    topics,
    get period() {
      const toMs = FIRST_OCCURRED_MS + Math.max(1, (events.size + 1) * stepMs);
      return { fromMs: FIRST_OCCURRED_MS, toMs, tenants: [], models: [], providers: [] };
    },
    async fill(count, change = (event) => event) {
      const records = Array.from({ length: PARTITIONS }, (): OutgoingRecord[] => []);
      for (let number = events.size + 1; number <= count; number += 1) {
        const lane = records[number % PARTITIONS] as OutgoingRecord[];
        const event = change(rerateEvent(number, 'ingress/one', Math.ceil(number / PARTITIONS), stepMs));
        events.set(number, event);
        lane.push({ key: event.attribution.virtualKeyId, value: encodePriced(rateEvent(event, BEFORE)), headers: identityHeaders(event) });
      }
      for (const [partition, lane] of records.entries()) await producer.send(topics.usagePriced, partition, lane);
      await world.written();
    },
    async rerate(book, { dies, ...options } = {}) {
      statements += 1;
      return rerate({
        clickhouse: ledger.clickhouse,
        log,
        producer: dies === undefined ? producer : dyingProducer(producer, dies),
        topics,
        selection: world.period,
        rate: (event) => rateEvent(event, book),
        sliceRowsMax: SLICE_ROWS_MAX,
        source: `rerate/${statements}`,
        nowMs: FIRST_OCCURRED_MS + HOUR_MS * 1_000 + statements,
        facts: { by: 'ann', note: '', reopen: '', details: { price_version: book.version } },
        closedPeriods: [],
        mayUnprice: true,
        instance: 'host/1',
        written: world.written,
        onUnfinished: () => {},
        onDifferences: () => {},
        ...options,
      });
    },
    async volumes(agreements, { dies, ...options } = {}) {
      statements += 1;
      return postVolumes({
        clickhouse: ledger.clickhouse,
        log,
        producer: dies === undefined ? producer : dyingProducer(producer, dies),
        topics,
        period: world.period,
        agreements,
        source: `volume/${statements}`,
        nowMs: FIRST_OCCURRED_MS + HOUR_MS * 1_000 + statements,
        facts: { by: 'ann', note: '', reopen: '' },
        closedPeriods: [],
        instance: 'host/1',
        written: world.written,
        onUnfinished: () => {},
        onDifferences: () => {},
        ...options,
      });
    },
    async written() {
      const [group, topic] = ['writer', topics.usagePriced];
      const ends = (await log.ranges(topic)).map(({ end }) => end);
      const isRead = async (): Promise<boolean> => {
        const committed = await log.committedOffsets(group, topic);
        return ends.every((end, partition) => end === 0 || (committed.get(partition)?.offset ?? 0) >= end);
      };
      await waitFor(isRead, { timeoutMs: TIMEOUT_MS, intervalMs: 10, describe: 'the writer to have read what the log has' });
    },
    events: () => [...events.values()],
    costAt: (book) =>
      formatUsd(
        [...events.values()].reduce(
          (sum, event) => sum + rateEvent(event, book).ratings.reduce((one, { cost }) => one + (cost ?? 0n), 0n),
          0n,
        ),
      ),
    unpricedAt: (book) => [...events.values()].filter((event) => rateEvent(event, book).ratings.every(({ cost }) => cost === null)).length,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return world;
}

/** Ends its process, as far as that can be told from outside, after one of its sends. */
function dyingProducer(producer: Producer, death: Death): Producer {
  let sends = 0;
  return {
    async send(topic, partition, records) {
      sends += 1;
      if (sends > death.send) throw new Killed('long ago');
      const appended = await producer.send(topic, partition, records);
      if (sends === death.send) throw new Killed(`after send ${death.send}`);
      return appended;
    },
    close: async () => {},
  };
}
