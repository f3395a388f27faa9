/** Reads one partition outside any group. */
import { partitionMissing } from '../local/backend.ts';
import type { Reader, ReaderOptions } from '../port.ts';
import type { Cluster } from './cluster.ts';
import { type Fetcher, readRange } from './fetcher.ts';
import { PartitionFeed } from './partition-feed.ts';

/** Throws `TOPIC_MISSING`, `PARTITION_MISSING`. */
export async function kafkaReader(cluster: Cluster, fetcher: Fetcher, { topic, partition, from }: ReaderOptions): Promise<Reader> {
  const known = await cluster.persist(`opening a reader of ${topic}`, () => cluster.topic(topic));
  if (partition >= known.leaders.length) throw partitionMissing(topic, partition, known.leaders.length);
  const start = typeof from === 'number' ? from : (await readRange(cluster, topic, partition))[from];
  const closed = new AbortController();
  const feed = new PartitionFeed(
    { topic, partition, from: start, copyValues: true, bufferBytesMax: cluster.settings.partitionBytesMax },
    (hungry) => fetcher.feed(hungry),
  );
  return {
    range: () => readRange(cluster, topic, partition),
    poll: async (limits) => {
      cluster.assertOpen();
      return feed.poll(limits, closed.signal, () => cluster.settings.pacing.nowMs());
    },
    close: async () => {
      closed.abort();
      feed.close();
    },
  };
}
