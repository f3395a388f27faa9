/** Reads one partition outside any group. */
import type { Reader, ReaderOptions } from '../port.ts';
import type { LocalBackend } from './backend.ts';
import { partitionMissing, pollFrom } from './backend.ts';

export async function localReader(backend: LocalBackend, options: ReaderOptions): Promise<Reader> {
  const { topic, partition } = options;
  const partitions = backend.partitions(topic);
  if (partition >= partitions) throw partitionMissing(topic, partition, partitions);
  const closed = new AbortController();
  let position = typeof options.from === 'number' ? options.from : (await backend.range(topic, partition))[options.from];
  return {
    range: () => backend.range(topic, partition),
    poll: async (limits) => {
      const records = await pollFrom(backend, topic, partition, position, limits, closed.signal);
      const last = records.at(-1);
      if (last !== undefined) position = last.offset + 1;
      return records;
    },
    close: async () => closed.abort('closed'),
  };
}
