import { describe, expect, test } from 'vitest';
import type { LogRecord, PollLimits } from '../port.ts';
import { PartitionFeed } from './partition-feed.ts';
import { encodeRecordBatch } from './record-batch-encoder.ts';

const POLL: PollLimits = { recordsMax: 100, bytesMax: 1_000_000, waitMs: 0 };
const NEVER = new AbortController().signal;

function batch(from: number, count: number): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({ key: null, value: Buffer.from(String(from + index)) }));
  const identity = { producerId: 1n, producerEpoch: 0, baseSequence: 0 };
  const bytes = encodeRecordBatch(records, { identity, compression: 'none', nowMs: 1 });
  bytes.writeBigInt64BE(BigInt(from), 0);
  return bytes;
}

function feedFrom(from: number, bufferBytesMax = 10_000) {
  let asked = 0;
  const feed = new PartitionFeed({ topic: 't', partition: 0, from, copyValues: false, bufferBytesMax }, () => {
    asked += 1;
  });
  const poll = (limits: Partial<PollLimits> = {}, signal = NEVER): Promise<readonly LogRecord[]> =>
    feed.poll({ ...POLL, ...limits }, signal, () => performance.now());
  const bring = (records: Buffer): void => feed.accept(feed.stretch, { topic: 't', partition: 0, errorCode: 0, records });
  return { feed, poll, bring, asked: () => asked };
}

const offsets = (records: readonly LogRecord[]): number[] => records.map(({ offset }) => offset);

describe('a feed', () => {
  test('asks for nothing before somebody polls, and for no more than it may hold', async () => {
    const { feed, poll, bring, asked } = feedFrom(0, 100);
    expect(asked()).toBe(0);
    await poll();
    expect(asked()).toBe(1);
    bring(batch(0, 10));
    expect(feed.hungry).toBe(false);
    expect(offsets(await poll({ recordsMax: 4 }))).toEqual([0, 1, 2, 3]);
    expect(asked()).toBe(1);
    expect(offsets(await poll())).toEqual([4, 5, 6, 7, 8, 9]);
    await poll();
    expect(asked()).toBeGreaterThan(1);
  });

  test('hands over what arrives to whoever waits, at once', async () => {
    const { poll, bring } = feedFrom(0);
    const waiting = poll({ waitMs: 10_000 });
    bring(batch(0, 2));
    expect(offsets(await waiting)).toEqual([0, 1]);
  });

  test('hands over at least one record, and none beyond the bytes', async () => {
    const { poll, bring } = feedFrom(100);
    bring(batch(100, 5));
    expect(offsets(await poll({ bytesMax: 0 }))).toEqual([100]);
    expect(offsets(await poll({ bytesMax: 4 }))).toEqual([101, 102]);
  });

  test('tells of a failure only after all that came before it, and keeps its position', async () => {
    const { feed, poll, bring } = feedFrom(0);
    bring(batch(0, 3));
    feed.fail(feed.stretch, new Error('out of range'));
    expect(feed.hungry).toBe(false);
    expect(offsets(await poll())).toEqual([0, 1, 2]);
    await expect(poll()).rejects.toThrow('out of range');
    expect(feed.position).toBe(3);
    expect(feed.hungry).toBe(true);
  });

  test('goes back and forth in what it has, without fetching it again', async () => {
    const { feed, poll, bring } = feedFrom(10);
    bring(batch(10, 5));
    bring(batch(15, 5));
    expect(offsets(await poll({ recordsMax: 1 }))).toEqual([10]);
    const { stretch } = feed;
    for (const offset of [12, 11, 17, 15]) {
      feed.seek(offset);
      expect(offsets(await poll({ recordsMax: 2 }))).toEqual([offset, offset + 1]);
    }
    feed.seek(20);
    expect(await poll()).toEqual([]);
    expect([feed.stretch, feed.fetchOffset, feed.position]).toEqual([stretch, 20, 20]);
  });

  test('drops what was fetched for a place that it has left', async () => {
    const { feed, poll } = feedFrom(0);
    await poll();
    const { stretch } = feed;
    feed.seek(50);
    feed.accept(stretch, { topic: 't', partition: 0, errorCode: 0, records: batch(0, 3) });
    feed.fail(stretch, new Error('late'));
    expect(await poll()).toEqual([]);
    expect(feed.fetchOffset).toBe(50);
  });

  test('has nothing for who has lost the partition, also in the middle of a wait', async () => {
    const { feed, poll, bring } = feedFrom(0);
    const lost = new AbortController();
    const waiting = poll({ waitMs: 10_000 }, lost.signal);
    lost.abort();
    expect(await waiting).toEqual([]);
    bring(batch(0, 3));
    expect(await poll({}, lost.signal)).toEqual([]);
    feed.close();
    expect(await poll()).toEqual([]);
    expect(feed.hungry).toBe(false);
  });

  test('does not stand still before bytes that are no batch', async () => {
    const { poll, bring } = feedFrom(0);
    bring(batch(0, 3).subarray(0, 50));
    await expect(poll()).rejects.toMatchObject({ code: 'BATCH_UNREADABLE' });
  });
});
