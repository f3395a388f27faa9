/** Fetches for all partitions that are read here, those of one broker together. Some requests to a broker may be under way at a time: one that waits for news does not hold up who reads old records. */
import errors from 'kafkajs/src/protocol/error.js';
import { offsetOutOfRange } from '../local/backend.ts';
import type { OffsetRange } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { finalFailure, isStaleMetadata, kafkaErrorType, unavailable } from './failures.ts';
import { fetchRequest, type FetchedPartition } from './fetch-request.ts';
import type { PartitionFeed } from './partition-feed.ts';

/** Requests under way to one broker at a time, each on a connection of its own. */
const LANES = 6;
/** How long fetching may fail before whoever polls is told. */
const SILENT_MS = 500;
const RETRY_MS = 25;
/** A partition's part of a fetch may keep this many times its size in memory; beyond it is copied. */
const PINNED_MAX = 16;

interface Broker {
  readonly nodeId: number;
  readonly wanting: Set<PartitionFeed>;
  readonly freeLanes: number[];
  nextAtMs: number;
  timer: NodeJS.Timeout | null;
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #brokers = new Map<number, Broker>();
  /** Feeds whose fetch is under way or about to be, and for which stretch of theirs: who has moved since need not wait for it. */
  readonly #engaged = new Map<PartitionFeed, number>();
  readonly #failingSinceMs = new WeakMap<PartitionFeed, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** There is room in the feed. */
  feed(feed: PartitionFeed): void {
    if (this.#engaged.get(feed) === feed.stretch || !feed.hungry) return;
    this.#engaged.set(feed, feed.stretch);
    const leader = this.#cluster.remembered(feed.topic)?.leaders[feed.partition] ?? -1;
    if (leader >= 0) this.#want(leader, feed);
    else void this.#findLeader(feed);
  }

  async #findLeader(feed: PartitionFeed): Promise<void> {
    const { stretch } = feed;
    try {
      this.#want(await this.#cluster.leader(feed.topic, feed.partition), feed);
    } catch (error) {
      await this.#failed(feed, stretch, error);
    }
  }

  #want(nodeId: number, feed: PartitionFeed): void {
    let broker = this.#brokers.get(nodeId);
    if (broker === undefined) {
      broker = {
        nodeId,
        wanting: new Set(),
        freeLanes: Array.from({ length: LANES }, (_, lane) => LANES - 1 - lane),
        nextAtMs: 0,
        timer: null,
      };
      this.#brokers.set(nodeId, broker);
    }
    broker.wanting.add(feed);
    this.#schedule(broker);
  }

  #schedule(broker: Broker): void {
    if (broker.timer !== null || broker.wanting.size === 0 || broker.freeLanes.length === 0) return;
    const waitMs = Math.max(0, broker.nextAtMs - this.#cluster.settings.pacing.nowMs());
    broker.timer = setTimeout(() => {
      broker.timer = null;
      void this.#fetch(broker);
    }, waitMs);
  }

  async #fetch(broker: Broker): Promise<void> {
    const lane = broker.freeLanes.pop();
    if (lane === undefined) return;
    const { settings } = this.#cluster;
    broker.nextAtMs = settings.pacing.nowMs() + settings.fetchPauseMs;
    const feeds = chooseFeeds(broker.wanting);
    if (feeds.size === 0) {
      broker.freeLanes.push(lane);
      return;
    }
    const wanted = Array.from(feeds.values(), (feed) => ({
      feed,
      topic: feed.topic,
      partition: feed.partition,
      offset: feed.fetchOffset,
      stretch: feed.stretch,
    }));
    const link = (() => {
      try {
        return this.#cluster.link(broker.nodeId, `fetch ${lane}`);
      } catch {
        return null;
      }
    })();
    this.#schedule(broker);
    try {
      if (link === null) throw new Error(`broker ${broker.nodeId} is not known any more`);
      const fetched = await link.exchange(
        fetchRequest(wanted, {
          waitMs: settings.fetchWaitMs,
          bytesMax: settings.fetchBytesMax,
          partitionBytesMax: settings.partitionBytesMax,
        }),
      );
      const bytes = fetched.reduce((sum, { records }) => sum + records.length, 0);
      const byKey = new Map(fetched.map((one) => [keyOf(one), one]));
      for (const { feed, stretch, offset } of wanted) this.#deliver(feed, stretch, offset, byKey.get(keyOf(feed)), bytes);
    } catch (error) {
      for (const { topic } of wanted) this.#cluster.forget(topic);
      await Promise.all(wanted.map(({ feed, stretch }) => this.#failed(feed, stretch, error)));
    } finally {
      broker.freeLanes.push(lane);
      this.#schedule(broker);
    }
  }

  #deliver(feed: PartitionFeed, stretch: number, offset: number, fetched: FetchedPartition | undefined, responseBytes: number): void {
    if (fetched === undefined) {
      void this.#failed(feed, stretch, new Error(`a fetch was answered without ${feed.topic}/${feed.partition}`));
      return;
    }
    if (fetched.errorCode !== 0) {
      void this.#refused(feed, stretch, offset, errors.createErrorFromCode(fetched.errorCode));
      return;
    }
    this.#failingSinceMs.delete(feed);
    this.#release(feed, stretch);
    // A partition that is read slowly must not keep all the others' records in memory.
    const small = fetched.records.length * PINNED_MAX < responseBytes;
    feed.accept(stretch, small ? { ...fetched, records: Buffer.from(fetched.records) } : fetched);
    this.feed(feed);
  }

  async #refused(feed: PartitionFeed, stretch: number, offset: number, error: Error): Promise<void> {
    if (kafkaErrorType(error) !== 'OFFSET_OUT_OF_RANGE') {
      if (isStaleMetadata(error)) this.#cluster.forget(feed.topic);
      await this.#failed(feed, stretch, error);
      return;
    }
    try {
      const range = await readRange(this.#cluster, feed.topic, feed.partition);
      feed.fail(stretch, offsetOutOfRange(feed.topic, feed.partition, offset, range));
    } catch (failure) {
      feed.fail(stretch, finalFailure('asking for the range', failure) ?? unavailable('asking for the range', failure));
    }
    this.#release(feed, stretch);
  }

  #release(feed: PartitionFeed, stretch: number): void {
    if (this.#engaged.get(feed) === stretch) this.#engaged.delete(feed);
  }

  /** Tries again before long; tells whoever polls when it lasts. */
  async #failed(feed: PartitionFeed, stretch: number, error: unknown): Promise<void> {
    const { pacing } = this.#cluster.settings;
    const what = `reading ${feed.topic}/${feed.partition}`;
    const sinceMs = this.#failingSinceMs.get(feed) ?? pacing.nowMs();
    this.#failingSinceMs.set(feed, sinceMs);
    if (this.#cluster.closing.aborted) {
      this.#release(feed, stretch);
      feed.close();
      return;
    }
    // Whoever polls again at once must not make it spin.
    await pacing.wait(RETRY_MS, this.#cluster.closing);
    this.#release(feed, stretch);
    const final = finalFailure(what, error);
    if (final !== null || pacing.nowMs() - sinceMs >= SILENT_MS) feed.fail(stretch, final ?? unavailable(what, error));
    else this.feed(feed);
  }
}

/** At most one feed of each partition: one request names it once. Who waits with empty hands comes first. */
function chooseFeeds(wanting: Set<PartitionFeed>): ReadonlyMap<string, PartitionFeed> {
  const chosen = new Map<string, PartitionFeed>();
  for (const feed of wanting) {
    // Closed, or at rest, since it asked.
    if (!feed.hungry) {
      wanting.delete(feed);
      continue;
    }
    const key = keyOf(feed);
    const other = chosen.get(key);
    if (other === undefined || (feed.starving && !other.starving)) chosen.set(key, feed);
  }
  for (const feed of chosen.values()) wanting.delete(feed);
  return chosen;
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;

/** Asks the partition's leader. */
export async function readRange(cluster: Cluster, topic: string, partition: number): Promise<OffsetRange> {
  return cluster.persist(`asking for the range of ${topic}/${partition}`, () =>
    cluster.atLeader(topic, partition, 'general', async (link) => {
      const ask = async (timestamp: number): Promise<number> => {
        const { responses } = await link.send('ListOffsets', {
          isolationLevel: READ_UNCOMMITTED,
          topics: [{ topic, partitions: [{ partition, timestamp }] }],
        });
        const answer = responses[0]?.partitions[0];
        if (answer === undefined) throw new Error('the answer does not speak of the partition');
        return Number(answer.offset);
      };
      const [start, end] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
      return { start, end };
    }),
  );
}

/** Of every partition, by number. Throws `TOPIC_MISSING`. */
export async function readRanges(cluster: Cluster, topic: string): Promise<readonly OffsetRange[]> {
  const { leaders } = await cluster.persist(`asking for the ranges of ${topic}`, async () => {
    cluster.forget(topic);
    return cluster.topic(topic);
  });
  return Promise.all(Array.from(leaders.keys(), (partition) => readRange(cluster, topic, partition)));
}
