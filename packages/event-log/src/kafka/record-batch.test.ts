import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogRecord, OutgoingRecord } from '../port.ts';
import { COMPRESSIONS, type Compression } from './options.ts';
import { RecordBatches } from './record-batch-decoder.ts';
import { encodeRecordBatch } from './record-batch-encoder.ts';

const SOURCE = { topic: 't', partition: 3 };
const NOW_MS = 1_790_000_000_123;
const IDENTITY = { producerId: 7n, producerEpoch: 0, baseSequence: 40 };
const CONTROL_BIT = 0x20;
const LOG_APPEND_TIME_BIT = 0x08;

function batchAt(baseOffset: number, records: readonly OutgoingRecord[], compression: Compression = 'none'): Buffer {
  const batch = encodeRecordBatch(records, { identity: IDENTITY, compression, nowMs: NOW_MS });
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  return batch;
}

function read(batches: RecordBatches): LogRecord[] {
  const records: LogRecord[] = [];
  for (let record = batches.next(); record !== null; record = batches.next()) records.push(record);
  return records;
}

const numbered = (count: number, from = 0): OutgoingRecord[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${from + index}`, value: Buffer.from(String(from + index)) }));

const anyRecord: fc.Arbitrary<OutgoingRecord> = fc.record(
  {
    key: fc.option(fc.string({ unit: 'grapheme', maxLength: 40 })),
    value: fc.option(fc.uint8Array({ maxLength: 300 })),
    headers: fc.dictionary(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((name) => name !== '__proto__'),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      {
        maxKeys: 5,
      },
    ),
  },
  { requiredKeys: ['key', 'value'] },
);

describe('a record batch', () => {
  test.each(COMPRESSIONS)('comes back as it was, compressed by %s', (compression) => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), fc.nat(2 ** 40), (records, baseOffset) => {
        const found = read(new RecordBatches(SOURCE, batchAt(baseOffset, records, compression), baseOffset, false));
        expect(
          found.map(({ key, value, headers, offset }) => ({ key, value: value && [...value], headers: { ...headers }, offset })),
        ).toEqual(
          records.map(({ key, value, headers }, index) => ({
            key,
            value: value && [...value],
            headers: { ...headers },
            offset: baseOffset + index,
          })),
        );
        expect(found.every(({ topic, partition, timestampMs }) => topic === 't' && partition === 3 && timestampMs === NOW_MS)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('carries the checksum and the identity that a broker looks at', () => {
    const batch = batchAt(0, numbered(5));
    expect(batch.readUInt32BE(17)).toBe(crc32c(batch.subarray(21)));
    expect(batch.readInt32BE(8)).toBe(batch.length - 12);
    expect([batch.readBigInt64BE(43), batch.readInt16BE(51), batch.readInt32BE(53)]).toEqual([7n, 0, 40]);
    expect([batch.readInt32BE(23), batch.readInt32BE(57)]).toEqual([4, 5]);
  });

  test('is read on from the middle, and moved on behind a tail that is cut off', () => {
    const whole = Buffer.concat([batchAt(10, numbered(5, 10)), batchAt(15, numbered(5, 15))]);
    const cut = Buffer.concat([whole, batchAt(20, numbered(5, 20)).subarray(0, 70)]);
    const batches = new RecordBatches(SOURCE, cut, 12, false);
    expect(read(batches).map(({ offset }) => offset)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    expect(batches.nextOffset).toBe(20);
    expect(RecordBatches.endOf(cut, 12)).toBe(20);
    expect(RecordBatches.endOf(cut.subarray(0, 40), 10)).toBe(10);
    expect(read(batches.rewound(17)).map(({ offset }) => offset)).toEqual([17, 18, 19]);
  });

  test('that compaction has emptied, or that a transaction left, is moved past', () => {
    const emptied = batchAt(5, []);
    emptied.writeInt32BE(9, 23);
    const control = batchAt(15, numbered(1));
    control.writeInt16BE(CONTROL_BIT, 21);
    const batches = new RecordBatches(SOURCE, Buffer.concat([emptied, control]), 5, false);
    expect(batches.next()).toBe(null);
    expect(batches.nextOffset).toBe(16);
  });

  test('whose last records compaction has taken ends where it ended', () => {
    const thinned = batchAt(100, numbered(2));
    thinned.writeInt32BE(49, 23);
    const batches = new RecordBatches(SOURCE, thinned, 100, false);
    expect(read(batches).map(({ offset }) => offset)).toEqual([100, 101]);
    expect(batches.nextOffset).toBe(150);
  });

  test('has the time of its appending where the topic says so', () => {
    const batch = batchAt(0, numbered(2));
    batch.writeInt16BE(LOG_APPEND_TIME_BIT, 21);
    batch.writeBigInt64BE(1_800_000_000_000n, 35);
    expect(read(new RecordBatches(SOURCE, batch, 0, false)).map(({ timestampMs }) => timestampMs)).toEqual([
      1_800_000_000_000, 1_800_000_000_000,
    ]);
  });

  test('whose values are copied does not keep the fetch in memory', () => {
    const bytes = batchAt(0, numbered(1));
    const [copied] = read(new RecordBatches(SOURCE, bytes, 0, true));
    const [shared] = read(new RecordBatches(SOURCE, bytes, 0, false));
    expect(copied?.value?.buffer).not.toBe(bytes.buffer);
    expect(shared?.value?.buffer).toBe(bytes.buffer);
  });

  test('that is damaged is refused, whatever is wrong with it', () => {
    const refused = (damage: (batch: Buffer) => void, compression: Compression = 'none') => {
      const batch = batchAt(0, numbered(3), compression);
      damage(batch);
      return () => read(new RecordBatches(SOURCE, batch, 0, false));
    };
    expect(refused((batch) => batch.writeInt8(1, 16))).toThrow(/format is 1/);
    expect(refused((batch) => batch.writeInt16BE(5, 21))).toThrow(/unknown number 5/);
    expect(refused((batch) => batch.fill(0xff, 61, 67))).toThrow(/no end/);
    expect(refused((batch) => batch.writeUInt8(0x7e, 61))).toThrow(/longer than its batch/);
    for (const compression of COMPRESSIONS.filter((one) => one !== 'none'))
      expect(refused((batch) => batch.fill(0x55, 61), compression)).toThrow(`does not decompress as ${compression}`);
  });
});

test('snappy is read as the Java client writes it, too: blocks behind a head of their own', async () => {
  const { compressSync } = await import('snappy');
  const plain = batchAt(0, numbered(20));
  const body = plain.subarray(61);
  const block = (from: number, to: number): Buffer => {
    const compressed = compressSync(body.subarray(from, to));
    const length = Buffer.alloc(4);
    length.writeInt32BE(compressed.length);
    return Buffer.concat([length, compressed]);
  };
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]);
  const records = Buffer.concat([head, block(0, 50), block(50, body.length)]);
  const batch = Buffer.concat([plain.subarray(0, 61), records]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(2, 21);
  expect(read(new RecordBatches(SOURCE, batch, 0, false))).toHaveLength(20);
});
