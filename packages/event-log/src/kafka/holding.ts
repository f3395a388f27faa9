/** One stretch of ownership of one partition: from the generation that gave it to the one that takes it away. */
import { waitAtMost } from '../pacing.ts';
import type { CommittedOffset, JoinOptions, OwnedPartition } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { type Fetcher, readRange } from './fetcher.ts';
import { PartitionFeed } from './partition-feed.ts';

export interface Committer {
  /** Throws `OWNERSHIP_LOST`, `LOG_UNAVAILABLE`. */
  commit(holding: Holding, committed: CommittedOffset): Promise<void>;
}

export class Holding {
  readonly topic: string;
  readonly partition: number;
  readonly #lost = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #feed: PartitionFeed | null = null;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get key(): string {
    return `${this.topic}/${this.partition}`;
  }

  /** False from the moment on at which the group may give the partition to another, whatever its run still does. */
  get valid(): boolean {
    return !this.#lost.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Resolves when the run has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  lose(): void {
    this.#feed?.close();
    this.#lost.abort();
  }

  /** Runs until the run returns; never rejects. `before` is the run that had the partition in this process last. */
  async run(
    cluster: Cluster,
    fetcher: Fetcher,
    committer: Committer,
    options: JoinOptions,
    start: { readonly committed: Promise<CommittedOffset | null>; readonly before: Promise<void> },
  ): Promise<void> {
    try {
      const committed = await start.committed;
      await waitAtMost(cluster.settings.pacing, start.before, cluster.settings.handoverWaitMs);
      if (!this.valid) return;
      const owned = this.#own(cluster, fetcher, committer, committed);
      try {
        await options.run(owned);
      } catch (error) {
        options.onError(error, owned);
      }
    } finally {
      this.#feed?.close();
      this.#ended.resolve();
    }
  }

  #own(cluster: Cluster, fetcher: Fetcher, committer: Committer, committed: CommittedOffset | null): OwnedPartition {
    const { topic, partition } = this;
    const { pacing, partitionBytesMax } = cluster.settings;
    const feed = new PartitionFeed(
      { topic, partition, from: committed?.offset ?? 0, copyValues: false, bufferBytesMax: partitionBytesMax },
      (hungry) => fetcher.feed(hungry),
    );
    this.#feed = feed;
    return {
      topic,
      partition,
      committed,
      signal: this.#lost.signal,
      range: () => readRange(cluster, topic, partition),
      seek: (offset) => feed.seek(offset),
      poll: (limits) => feed.poll(limits, this.#lost.signal, () => pacing.nowMs()),
      commit: (next) => committer.commit(this, next),
    };
  }
}
