/** A batch is what is written at once: a head with a number and a check sum, then records. What a batch says is taken whole or not at all.
 *
 *  A batch also names the highest batch that was synced when it was made. So a damaged batch can be told from one that was never
 *  finished: a batch that a later one calls synced must be there; one that nobody vouches for was under way when the machine stopped. */
import { crc32c } from '@node-rs/crc32';
import { type JournalRecord, recordSize, writeRecord } from './record.ts';

const MAGIC = 0x424a4c54; // "TLJB"
const LENGTH_AT = 4;
const NUMBER_AT = 8;
const SYNCED_AT = 14;
const CRC_AT = 20;
const BATCH_HEAD_BYTES = 24;
const NUMBER_BYTES = 6;
/** The number of a segment's head, which is no batch of the journal: others are numbered from 1. */
export const SEGMENT_HEAD = 0;

/** Gathers records for the next write. The buffer grows as needed and is used again. */
export class BatchBuffer {
  #bytes: Buffer;
  #end = BATCH_HEAD_BYTES;

  constructor(bytesInitial: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytesInitial);
  }

  get isEmpty(): boolean {
    return this.#end === BATCH_HEAD_BYTES;
  }

  get length(): number {
    return this.#end;
  }

  /** Returns how many bytes it took. */
  append(record: JournalRecord): number {
    const needed = this.#end + recordSize(record);
    if (needed > this.#bytes.length) this.#grow(needed);
    const end = writeRecord(record, this.#bytes, this.#end);
    const taken = end - this.#end;
    this.#end = end;
    return taken;
  }

  /** The whole batch; valid until `clear`. */
  seal(number: number, syncedThrough: number): Buffer {
    const bytes = this.#bytes;
    bytes.writeUInt32LE(MAGIC, 0);
    bytes.writeUInt32LE(this.#end - BATCH_HEAD_BYTES, LENGTH_AT);
    bytes.writeUIntLE(number, NUMBER_AT, NUMBER_BYTES);
    bytes.writeUIntLE(syncedThrough, SYNCED_AT, NUMBER_BYTES);
    bytes.writeUInt32LE(checkSum(bytes, 0, this.#end), CRC_AT);
    return bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = BATCH_HEAD_BYTES;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

export interface ScannedBatch {
  readonly number: number;
  /** Highest batch that was synced when this one was made; 0 for none. */
  readonly syncedThrough: number;
  readonly payload: Buffer;
}

export interface ScannedSegment {
  readonly batches: readonly ScannedBatch[];
}

/** Finds every valid batch, also behind damage. What is in none is damage, or was never finished, or was never written (the zeros at the end of a file that
 *  was not closed): which of these is decided by what later batches vouch for. */
export function scanSegment(bytes: Buffer): ScannedSegment {
  const batches: ScannedBatch[] = [];
  for (let at = 0; at + BATCH_HEAD_BYTES <= bytes.length;) {
    const end = batchEnd(bytes, at);
    if (end === null) {
      const next = bytes.indexOf(MAGIC_BYTES, at + 1);
      if (next < 0) break;
      at = next;
      continue;
    }
    batches.push({
      number: bytes.readUIntLE(at + NUMBER_AT, NUMBER_BYTES),
      syncedThrough: bytes.readUIntLE(at + SYNCED_AT, NUMBER_BYTES),
      payload: bytes.subarray(at + BATCH_HEAD_BYTES, end),
    });
    at = end;
  }
  return { batches };
}

const MAGIC_BYTES = Buffer.from('TLJB', 'latin1');

/** Where the batch at `at` ends; null when there is none, or not the one that was written. */
function batchEnd(bytes: Buffer, at: number): number | null {
  if (bytes.readUInt32LE(at) !== MAGIC) return null;
  const end = at + BATCH_HEAD_BYTES + bytes.readUInt32LE(at + LENGTH_AT);
  if (end > bytes.length) return null;
  return checkSum(bytes, at, end) === bytes.readUInt32LE(at + CRC_AT) ? end : null;
}

/** CRC-32C of everything but the check sum itself. */
function checkSum(bytes: Buffer, at: number, end: number): number {
  return crc32c(bytes.subarray(at + BATCH_HEAD_BYTES, end), crc32c(bytes.subarray(at, at + CRC_AT)));
}
