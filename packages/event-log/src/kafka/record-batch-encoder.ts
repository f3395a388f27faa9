/** Writes one record batch (format 2, https://kafka.apache.org/documentation/#recordbatch) in one pass over its records. */
import { crc32c } from '@node-rs/crc32';
import type { OutgoingRecord } from '../port.ts';
import { codeOf, compress } from './codecs.ts';
import type { Compression } from './options.ts';
import { varintBytes, writeVarint } from './varint.ts';

/** Who wrote a batch and which of its batches it is: a broker stores a batch that comes again only once. */
export interface BatchIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

const HEADER_BYTES = 61;
/** Where the checksum begins to count. */
const ATTRIBUTES_AT = 21;
const MAGIC = 2;
/** No header name that we write is new for long. */
const NAMES_MAX = 1_000;
const names = new Map<string, Buffer>();

export function encodeRecordBatch(
  records: readonly OutgoingRecord[],
  options: { readonly identity: BatchIdentity; readonly compression: Compression; readonly nowMs: number },
): Buffer {
  const sizes = records.map((record, index) => recordBodyBytes(record, index));
  const bodyBytes = sizes.reduce((sum, size) => sum + varintBytes(size) + size, 0);
  if (options.compression === 'none') {
    const batch = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes);
    writeRecords(batch, HEADER_BYTES, records, sizes);
    return writeHeader(batch, records.length, options);
  }
  const plain = Buffer.allocUnsafe(bodyBytes);
  writeRecords(plain, 0, records, sizes);
  const compressed = compress(options.compression, plain);
  const batch = Buffer.allocUnsafe(HEADER_BYTES + compressed.length);
  compressed.copy(batch, HEADER_BYTES);
  return writeHeader(batch, records.length, options);
}

function writeHeader(
  batch: Buffer,
  count: number,
  { identity, compression, nowMs }: { readonly identity: BatchIdentity; readonly compression: Compression; readonly nowMs: number },
): Buffer {
  const time = BigInt(Math.trunc(nowMs));
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(MAGIC, 16);
  batch.writeInt16BE(codeOf(compression), ATTRIBUTES_AT);
  batch.writeInt32BE(count - 1, 23);
  batch.writeBigInt64BE(time, 27);
  batch.writeBigInt64BE(time, 35);
  batch.writeBigInt64BE(identity.producerId, 43);
  batch.writeInt16BE(identity.producerEpoch, 51);
  batch.writeInt32BE(identity.baseSequence, 53);
  batch.writeInt32BE(count, 57);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), 17);
  return batch;
}

/** Without the length in front. Attributes and the difference in time are a byte each, and 0. */
function recordBodyBytes({ key, value, headers }: OutgoingRecord, index: number): number {
  let bytes = 2 + varintBytes(index);
  bytes += key === null ? 1 : lengthAndBytes(Buffer.byteLength(key));
  bytes += value === null ? 1 : lengthAndBytes(value.byteLength);
  let count = 0;
  for (const name in headers) {
    count += 1;
    bytes += lengthAndBytes(nameBytes(name).length) + lengthAndBytes(Buffer.byteLength(headers[name] ?? ''));
  }
  return bytes + varintBytes(count);
}

function lengthAndBytes(length: number): number {
  return varintBytes(length) + length;
}

function writeRecords(target: Buffer, from: number, records: readonly OutgoingRecord[], sizes: readonly number[]): void {
  let at = from;
  for (const [index, record] of records.entries()) {
    at = writeVarint(target, at, sizes[index] ?? 0);
    target[at] = 0;
    target[at + 1] = 0;
    at = writeVarint(target, at + 2, index);
    at = record.key === null ? writeVarint(target, at, -1) : writeText(target, at, record.key);
    at = record.value === null ? writeVarint(target, at, -1) : writeBytes(target, at, record.value);
    at = writeHeaders(target, at, record);
  }
}

function writeHeaders(target: Buffer, from: number, { headers }: OutgoingRecord): number {
  let count = 0;
  for (const _ in headers) count += 1;
  let at = writeVarint(target, from, count);
  for (const name in headers) {
    at = writeBytes(target, at, nameBytes(name));
    at = writeText(target, at, headers[name] ?? '');
  }
  return at;
}

function writeText(target: Buffer, at: number, text: string): number {
  const start = writeVarint(target, at, Buffer.byteLength(text));
  return start + target.write(text, start, 'utf8');
}

function writeBytes(target: Buffer, at: number, bytes: Uint8Array): number {
  const start = writeVarint(target, at, bytes.byteLength);
  target.set(bytes, start);
  return start + bytes.byteLength;
}

function nameBytes(name: string): Buffer {
  const known = names.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(name);
  if (names.size < NAMES_MAX) names.set(name, bytes);
  return bytes;
}
