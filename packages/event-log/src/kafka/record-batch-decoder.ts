/** Reads record batches as a fetch brings them, one record at a time: what nobody asks for yet stays as it came. */
import type { Headers, LogRecord } from '../port.ts';
import { decompress, unreadable } from './codecs.ts';

const HEADER_BYTES = 61;
/** Base offset and length, which the length does not count. */
const PREFIX_BYTES = 12;
const MAGIC = 2;
const COMPRESSION_BITS = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
/** A batch that a transaction's end left behind: it holds no records of ours. */
const CONTROL_BIT = 0x20;
const TWO_TO_32 = 0x1_0000_0000;

const NO_HEADERS: Headers = Object.freeze({});

export interface Source {
  readonly topic: string;
  readonly partition: number;
}

/** The batches of one partition's part in a fetch. The last may be cut off, and is then left out. */
export class RecordBatches {
  readonly #source: Source;
  readonly #copyValues: boolean;
  readonly #bytes: Buffer;
  #at = 0;
  /** The batch that is being read. */
  #records: Buffer;
  #recordsAt = 0;
  #left = 0;
  #baseOffset = 0;
  #endsAt = 0;
  #baseTimestampMs = 0;
  #appendTimestampMs = -1;
  #nextOffset: number;

  /** Records below `from` are passed over: a fetch begins with the batch that `from` is in. */
  constructor(source: Source, bytes: Buffer, from: number, copyValues: boolean) {
    this.#source = source;
    this.#bytes = bytes;
    this.#records = bytes;
    this.#nextOffset = from;
    this.#copyValues = copyValues;
  }

  /** Behind the last whole batch in `bytes`; `from` when there is none. */
  static endOf(bytes: Buffer, from: number): number {
    let next = from;
    for (let at = 0; bytes.length - at >= HEADER_BYTES;) {
      const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8);
      if (end > bytes.length) break;
      next = Math.max(next, readInt64(bytes, at) + bytes.readInt32BE(at + 23) + 1);
      at = end;
    }
    return next;
  }

  /** Of the first batch: what lies before it is not here. */
  get firstOffset(): number {
    return readInt64(this.#bytes, 0);
  }

  /** The offset to go on at: behind all that was read or passed over. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The same batches, to be read from another offset. */
  rewound(from: number): RecordBatches {
    return new RecordBatches(this.#source, this.#bytes, from, this.#copyValues);
  }

  /** Null at the end. Throws `BATCH_UNREADABLE`. */
  next(): LogRecord | null {
    for (;;) {
      while (this.#left > 0) {
        this.#left -= 1;
        const record = this.#record();
        if (record !== null) return record;
      }
      if (!this.#openBatch()) return null;
    }
  }

  #openBatch(): boolean {
    const bytes = this.#bytes;
    for (;;) {
      const at = this.#at;
      if (bytes.length - at < HEADER_BYTES) return false;
      const length = bytes.readInt32BE(at + 8);
      const end = at + PREFIX_BYTES + length;
      if (end > bytes.length) return false;
      if (bytes[at + 16] !== MAGIC)
        throw unreadable(`its format is ${bytes[at + 16]}, not ${MAGIC}: the topic was written by a client of another age`);
      this.#at = end;
      const baseOffset = readInt64(bytes, at);
      const lastOffset = baseOffset + bytes.readInt32BE(at + 23);
      if (lastOffset < this.#nextOffset) continue;
      const attributes = bytes.readInt16BE(at + 21);
      const count = bytes.readInt32BE(at + 57);
      if ((attributes & CONTROL_BIT) !== 0 || count === 0) {
        this.#nextOffset = lastOffset + 1;
        continue;
      }
      this.#baseOffset = baseOffset;
      this.#left = count;
      this.#endsAt = lastOffset + 1;
      this.#baseTimestampMs = readInt64(bytes, at + 27);
      this.#appendTimestampMs = (attributes & LOG_APPEND_TIME_BIT) === 0 ? -1 : readInt64(bytes, at + 35);
      const compression = attributes & COMPRESSION_BITS;
      const body = bytes.subarray(at + HEADER_BYTES, end);
      this.#records = compression === 0 ? body : decompress(compression, body);
      this.#recordsAt = 0;
      return true;
    }
  }

  /** Null when the record lies before the position. */
  #record(): LogRecord | null {
    const records = this.#records;
    const length = this.#varint();
    const end = this.#recordsAt + length;
    if (length < 0 || end > records.length) throw unreadable('a record is longer than its batch');
    // Attributes: one byte, unused.
    this.#recordsAt += 1;
    const timestampDelta = this.#varlong();
    const offset = this.#baseOffset + this.#varint();
    const passedOver = offset < this.#nextOffset;
    // Compaction may have taken the records that ended the batch.
    this.#nextOffset = Math.max(this.#nextOffset, this.#left === 0 ? this.#endsAt : offset + 1);
    if (passedOver) {
      this.#recordsAt = end;
      return null;
    }
    const keyLength = this.#varint();
    const key = keyLength < 0 ? null : this.#text(keyLength);
    const valueLength = this.#varint();
    const value = valueLength < 0 ? null : this.#bytesOf(valueLength);
    const headers = this.#headers();
    this.#recordsAt = end;
    return {
      topic: this.#source.topic,
      partition: this.#source.partition,
      offset,
      key,
      value,
      headers,
      timestampMs: this.#appendTimestampMs >= 0 ? this.#appendTimestampMs : this.#baseTimestampMs + timestampDelta,
    };
  }

  #headers(): Headers {
    const count = this.#varint();
    if (count <= 0) return NO_HEADERS;
    const headers: Record<string, string> = {};
    for (let index = 0; index < count; index += 1) {
      const name = this.#name(this.#varint());
      const length = this.#varint();
      // A header without a value, which we never write, is taken for an empty one.
      headers[name] = length < 0 ? '' : this.#text(length);
    }
    return headers;
  }

  #text(length: number): string {
    const start = this.#recordsAt;
    this.#recordsAt = start + length;
    return decodeText(this.#records, start, start + length);
  }

  /** Header names are few and come again with every record. */
  #name(length: number): string {
    const start = this.#recordsAt;
    this.#recordsAt = start + length;
    const records = this.#records;
    const slot = (length * 31 + (records[start + length - 1] ?? 0)) % NAMES;
    const known = knownNames[slot];
    if (known !== undefined && known.bytes.length === length && known.bytes.compare(records, start, start + length) === 0)
      return known.name;
    const name = decodeText(records, start, start + length);
    knownNames[slot] = { name, bytes: Buffer.from(name) };
    return name;
  }

  #bytesOf(length: number): Uint8Array {
    const start = this.#recordsAt;
    this.#recordsAt = start + length;
    return this.#copyValues
      ? Uint8Array.prototype.slice.call(this.#records, start, start + length)
      : this.#records.subarray(start, start + length);
  }

  #varint(): number {
    const records = this.#records;
    let at = this.#recordsAt;
    let byte = records[at] ?? 0;
    at += 1;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) throw unreadable('a number in it has no end');
      byte = records[at] ?? 0;
      at += 1;
      value |= (byte & 0x7f) << shift;
    }
    this.#recordsAt = at;
    return (value >>> 1) ^ -(value & 1);
  }

  /** Differences in time: beyond 32 bits, exact up to 53. */
  #varlong(): number {
    const records = this.#records;
    let at = this.#recordsAt;
    let byte = records[at] ?? 0;
    at += 1;
    let value = byte & 0x7f;
    for (let factor = 0x80, bytes = 1; byte >= 0x80; factor *= 0x80, bytes += 1) {
      if (bytes > 9) throw unreadable('a number in it has no end');
      byte = records[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
    }
    this.#recordsAt = at;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

const NAMES = 64;
const knownNames: ({ readonly name: string; readonly bytes: Buffer } | undefined)[] = Array.from({ length: NAMES }, () => undefined);

/** Short texts are cheaper here than across the boundary to native code. */
const SHORT = 12;

function decodeText(bytes: Buffer, start: number, end: number): string {
  if (end - start > SHORT) return bytes.toString('utf8', start, end);
  let text = '';
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return bytes.toString('utf8', start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}
