import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogRecord, OutgoingRecord } from '../port.ts';
import { RECORD_BYTES_MAX } from '../record-size.ts';
import type { EmbeddedLog, EmbeddedLogOptions } from './embedded-log.ts';
import { openEmbeddedLog } from './embedded-log.ts';

const POLL = { recordsMax: 1_000, bytesMax: 10_000_000, waitMs: 0 };
const DAY_MS = 86_400_000;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'tokenledger-log-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function open(path: string, options: Partial<EmbeddedLogOptions> = {}): EmbeddedLog {
  const log = openEmbeddedLog({ directory: path, groupMs: 0, ...options });
  cleanups.push(() => log.close());
  return log;
}

function record(value: string, key: string | null = null): OutgoingRecord {
  return { key, value: Buffer.from(value) };
}

async function send(log: EmbeddedLog, topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<void> {
  const producer = await log.producer();
  await producer.send(topic, partition, records);
}

async function readAll(log: EmbeddedLog, topic: string, partition: number, from: 'start' | number = 'start'): Promise<LogRecord[]> {
  const reader = await log.reader({ topic, partition, from });
  const records: LogRecord[] = [];
  for (;;) {
    const polled = await reader.poll(POLL);
    if (polled.length === 0) return records;
    records.push(...polled);
  }
}

const values = (records: readonly LogRecord[]): string[] => records.map(({ value }) => Buffer.from(value ?? []).toString());

describe('an embedded log', () => {
  it('belongs to one owner: a second one is told, and may open it once the first has closed it', async () => {
    const path = directory();
    const first = open(path);
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'LOG_LOCKED' }));
    await first.close();
    await open(path).createTopics([]);
  });

  it('can be read beside its owner, as it grows, and is not written', async () => {
    const path = directory();
    const owner = open(path);
    await owner.createTopics([{ topic: 't', partitions: 2, cleanup: 'time', retentionMs: DAY_MS }]);
    await send(owner, 't', 1, [record('a')]);
    const beside = open(path, { readOnly: true, readOnlyPollMs: 5 });
    expect(await beside.describeTopic('t')).toEqual({ topic: 't', partitions: 2, cleanup: 'time' });
    expect(values(await readAll(beside, 't', 1))).toEqual(['a']);
    const reader = await beside.reader({ topic: 't', partition: 1, from: 'end' });
    const polled = reader.poll({ ...POLL, waitMs: 10_000 });
    await send(owner, 't', 1, [record('b')]);
    expect(values(await polled)).toEqual(['b']);
    await owner.createTopics([{ topic: 'later', partitions: 1, cleanup: 'compact', retentionMs: 0 }]);
    await send(owner, 'later', 0, [record('c')]);
    expect(values(await readAll(beside, 'later', 0))).toEqual(['c']);
    await owner.deleteRecords('t', 1, 1);
    expect(await reader.range()).toEqual({ start: 1, end: 2 });

    const refused = { code: 'LOG_READ_ONLY' };
    await expect(beside.producer()).rejects.toMatchObject(refused);
    await expect(beside.createTopics([])).rejects.toMatchObject(refused);
    await expect(beside.join({ group: 'g', topics: ['t'], run: async () => {}, onError: () => {} })).rejects.toMatchObject(refused);
  });

  it('says what is wrong with a directory that it cannot read', async () => {
    const path = directory();
    expect(() => open(path, { readOnly: true })).toThrow(expect.objectContaining({ code: 'LOG_MISSING' }));
    await open(path).close();
    const database = new DatabaseSync(join(path, 'log.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'LOG_FORMAT' }));
    expect(() => open(path, { readOnly: true })).toThrow(expect.objectContaining({ code: 'LOG_FORMAT' }));
  });

  it('refuses every use after its close', async () => {
    const log = open(directory());
    await log.createTopics([{ topic: 't', partitions: 1, cleanup: 'time', retentionMs: DAY_MS }]);
    const producer = await log.producer();
    const reader = await log.reader({ topic: 't', partition: 0, from: 'start' });
    await log.close();
    const closed = { code: 'LOG_CLOSED' };
    await expect(producer.send('t', 0, [record('a')])).rejects.toMatchObject(closed);
    await expect(reader.poll(POLL)).rejects.toMatchObject(closed);
    await expect(log.createTopics([])).rejects.toMatchObject(closed);
  });

  it('groups the sends of one moment into one transaction, and writes at once when many are waiting', async () => {
    const log = open(directory(), { groupMs: 3_600_000, groupRecordsMax: 100 });
    await log.createTopics([{ topic: 't', partitions: 4, cleanup: 'time', retentionMs: DAY_MS }]);
    const producer = await log.producer();
    const sends = Array.from({ length: 100 }, (_, index) => producer.send('t', index % 4, [record(String(index))]));
    const appended = await Promise.all(sends);
    expect(appended.map(({ baseOffset }) => baseOffset)).toEqual(Array.from({ length: 100 }, (_, index) => Math.floor(index / 4)));
  });

  it('takes a record of the largest size', async () => {
    const log = open(directory());
    await log.createTopics([{ topic: 't', partitions: 1, cleanup: 'time', retentionMs: DAY_MS }]);
    await send(log, 't', 0, [{ key: null, value: new Uint8Array(RECORD_BYTES_MAX) }]);
    expect((await readAll(log, 't', 0))[0]?.value?.byteLength).toBe(RECORD_BYTES_MAX);
  });

  it('lets records go once they are older than the retention, in slices, and keeps counting', async () => {
    let nowMs = 1_000_000;
    const path = directory();
    const log = open(path, { clockMs: () => nowMs, maintenanceSliceRecordsMax: 10 });
    await log.createTopics([{ topic: 't', partitions: 2, cleanup: 'time', retentionMs: 60_000 }]);
    for (let index = 0; index < 50; index += 1) await send(log, 't', index % 2, [record(String(index))]);
    nowMs += 40_000;
    await send(log, 't', 0, [record('kept')]);
    await log.maintain();
    expect(await readAll(log, 't', 0)).toHaveLength(26);
    nowMs += 30_000;
    await log.maintain();
    const reader = async (partition: number) => (await log.reader({ topic: 't', partition, from: 'start' })).range();
    expect(await reader(0)).toEqual({ start: 25, end: 26 });
    expect(await reader(1)).toEqual({ start: 25, end: 25 });
    nowMs += 60_001;
    await log.maintain();
    await log.close();

    const again = open(path, { clockMs: () => nowMs });
    await send(again, 't', 0, [record('next')]);
    await send(again, 't', 1, [record('next')]);
    expect((await readAll(again, 't', 0)).map(({ offset }) => offset)).toEqual([26]);
    expect((await readAll(again, 't', 1)).map(({ offset }) => offset)).toEqual([25]);
  });

  it('expires and compacts by itself', async () => {
    let nowMs = 1_000_000;
    const log = open(directory(), { clockMs: () => nowMs, maintenanceIntervalMs: 5, maintenancePauseMs: 1 });
    await log.createTopics([
      { topic: 'timed', partitions: 1, cleanup: 'time', retentionMs: 1_000 },
      { topic: 'compacted', partitions: 1, cleanup: 'compact', retentionMs: 0 },
    ]);
    await send(log, 'timed', 0, [record('a')]);
    await send(log, 'compacted', 0, [record('1', 'k'), record('2', 'k'), record('3', 'k')]);
    nowMs += 2_000;
    await expect.poll(async () => (await readAll(log, 'timed', 0)).length).toBe(0);
    await expect.poll(async () => values(await readAll(log, 'compacted', 0))).toEqual(['3']);
  });

  it('drops a tombstone once its time is over, unless it is the last record', async () => {
    let nowMs = 1_000_000;
    const path = directory();
    const log = open(path, { clockMs: () => nowMs, tombstoneRetentionMs: 1_000, maintenanceSliceRecordsMax: 2 });
    await log.createTopics([{ topic: 'c', partitions: 1, cleanup: 'compact', retentionMs: 0 }]);
    const tombstone = (key: string): OutgoingRecord => ({ key, value: null });
    await send(log, 'c', 0, [record('1', 'a'), tombstone('a'), record('1', 'b'), tombstone('b')]);
    await log.maintain();
    expect((await readAll(log, 'c', 0)).map(({ offset }) => offset)).toEqual([1, 3]);
    nowMs += 2_000;
    await send(log, 'c', 0, [tombstone('c')]);
    await log.maintain();
    expect((await readAll(log, 'c', 0)).map(({ offset }) => offset)).toEqual([4]);
    await log.close();
    expect((await (await open(path).reader({ topic: 'c', partition: 0, from: 'end' })).range()).end).toBe(5);
  });

  it('finds every record of busy and quiet partitions from any offset, after a restart, too', async () => {
    const path = directory();
    const log = open(path);
    await log.createTopics([{ topic: 't', partitions: 3, cleanup: 'time', retentionMs: DAY_MS }]);
    // Partition 2 gets a record every 7,000 records: farther apart than a read looks ahead at once.
    const sent: string[][] = [[], [], []];
    for (let round = 0; round < 4; round += 1) {
      for (const [partition, count] of [
        [0, 6_000],
        [1, 1_000],
        [2, 1],
      ] as const) {
        const batch = Array.from({ length: count }, (_, index) => `${partition}:${round}:${index}`);
        sent[partition]?.push(...batch);
        await send(
          log,
          't',
          partition,
          batch.map((value) => record(value)),
        );
      }
    }
    await log.close();
    const again = open(path);
    for (const partition of [0, 1, 2]) expect(values(await readAll(again, 't', partition))).toEqual(sent[partition]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 }), fc.double({ min: 0, max: 1, noNaN: true }), async (partition, share) => {
        const all = sent[partition] ?? [];
        const from = Math.floor(share * all.length);
        const reader = await again.reader({ topic: 't', partition, from });
        expect(values(await reader.poll({ ...POLL, recordsMax: 3 }))).toEqual(all.slice(from, from + 3));
      }),
      { numRuns: 50 },
    );
  });
});
