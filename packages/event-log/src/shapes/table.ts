/** compacted topic → memory: read to the end before anybody may ask, then watched. */
import { systemPacing } from '../pacing.ts';
import type { LogRecord, OffsetRange, Reader } from '../port.ts';
import { IDLE_WAIT_MS } from './batch.ts';
import { describeOrThrow } from './partition-shape.ts';
import type { Retry } from './retry.ts';
import { persist, RETRY_DEFAULTS } from './retry.ts';
import type { Table, TableOptions } from './types.ts';

/** Records and bytes of one poll: what is decoded at a stretch. */
const POLL_RECORDS_MAX = 1_000;
const POLL_BYTES_MAX = 4 * 1024 * 1024;

/** Resolves once everything that was in the topic is in memory; `onChange` is told of all of it, too. Throws `TOPIC_MISSING`, and what stops the reading before that.
 *  Memory is bounded by what the topic holds: one value per key. */
export async function openTable<Value>(options: TableOptions<Value>): Promise<Table<Value>> {
  const { partitions } = await describeOrThrow(options, options.topic);
  const values = new Map<string, Value>();
  const closed = new AbortController();
  const readers: Reader[] = [];
  const pacing = options.pacing ?? systemPacing;
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  // Whoever opened the table decides what a failure ends; without a listener it must not end the process by accident.
  failed.catch(() => {});

  /** By partition: when its end was last seen. */
  const endSeenMs: number[] = Array.from({ length: partitions }, () => pacing.nowMs());

  const apply = (record: LogRecord): void => {
    options.onRecord?.(record);
    const { key, value } = record;
    if (key === null) return;
    if (value === null) {
      if (values.delete(key)) options.onChange?.(key, undefined);
      return;
    }
    const decoded = options.decode(key, value);
    if (decoded === undefined) return;
    values.set(key, decoded);
    options.onChange?.(key, decoded);
  };

  const readPartition = async (reader: Reader, retry: Retry, partition: number, until: number): Promise<void> => {
    let next = 0;
    while (next < until && !closed.signal.aborted) {
      const records = await persist(retry, () =>
        reader.poll({ recordsMax: POLL_RECORDS_MAX, bytesMax: POLL_BYTES_MAX, waitMs: IDLE_WAIT_MS }),
      );
      for (const record of records) apply(record);
      if (records.length === 0) endSeenMs[partition] = pacing.nowMs();
      next = (records.at(-1)?.offset ?? next - 1) + 1;
    }
  };

  const retryOf = (partition: number): Retry => ({
    pacing,
    limits: options.retry ?? RETRY_DEFAULTS,
    signal: closed.signal,
    retrying: (error, attempt) => options.observer?.retrying?.({ topic: options.topic, partition, error, attempt }),
  });

  /** Goes on for ever; ends by `close`, or by a failure that trying again cannot help. */
  const watch = async (reader: Reader, retry: Retry, partition: number): Promise<void> => {
    try {
      await readPartition(reader, retry, partition, Number.POSITIVE_INFINITY);
    } catch (error) {
      if (closed.signal.aborted) return;
      options.observer?.stopped?.({ topic: options.topic, partition, error });
      fail(error);
    }
  };

  const open = async (partition: number): Promise<() => Promise<void>> => {
    const retry = retryOf(partition);
    const reader = await persist(retry, () => options.log.reader({ topic: options.topic, partition, from: 'start' }));
    readers.push(reader);
    const range: OffsetRange = await persist(retry, () => reader.range());
    if (range.end > range.start) await readPartition(reader, retry, partition, range.end);
    endSeenMs[partition] = pacing.nowMs();
    return () => watch(reader, retry, partition);
  };

  const stop = async (): Promise<void> => {
    closed.abort();
    await Promise.all(readers.map((reader) => reader.close()));
  };

  const opened = await Promise.allSettled(Array.from({ length: partitions }, (_, partition) => open(partition)));
  const failure = opened.find((one) => one.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  const watching = opened.map((one) => (one.status === 'fulfilled' ? one.value() : Promise.resolve()));
  return {
    failed,
    get: (key) => values.get(key),
    entries: () => values.entries(),
    get size() {
      return values.size;
    },
    behindMs: () => pacing.nowMs() - Math.min(...endSeenMs),
    close: async () => {
      await stop();
      await Promise.all(watching);
    },
  };
}
