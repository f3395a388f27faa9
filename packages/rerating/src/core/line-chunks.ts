/** Lines of a statement as they are kept in the log: many in one record, each with the key and the bytes that it is posted with. Pure. */
import { invariant } from '@tokenledger/domain';

/** One line. Its number is its place: the first line of a partition is number 1. */
export interface StatementLine {
  /** Key of the record that it is posted as. */
  readonly key: string;
  readonly value: Uint8Array;
}

const LENGTH_BYTES = 4;
const NUMBER_BYTES = 6;

/** `first`: number of the first line. */
export function encodeChunk(first: number, lines: readonly StatementLine[]): Buffer {
  const head = Buffer.alloc(NUMBER_BYTES);
  head.writeUIntBE(first, 0, NUMBER_BYTES);
  const parts: Uint8Array[] = [head];
  for (const { key, value } of lines) {
    const keyBytes = Buffer.from(key);
    const lengths = Buffer.alloc(2 * LENGTH_BYTES);
    lengths.writeUInt32BE(keyBytes.length, 0);
    lengths.writeUInt32BE(value.byteLength, LENGTH_BYTES);
    parts.push(lengths, keyBytes, value);
  }
  return Buffer.concat(parts);
}

export interface Chunk {
  readonly first: number;
  readonly lines: readonly StatementLine[];
}

export function decodeChunk(bytes: Uint8Array): Chunk {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: StatementLine[] = [];
  let at = NUMBER_BYTES;
  while (at < buffer.length) {
    const keyEnd = at + 2 * LENGTH_BYTES + buffer.readUInt32BE(at);
    const end = keyEnd + buffer.readUInt32BE(at + LENGTH_BYTES);
    invariant(end <= buffer.length, 'a chunk holds whole lines');
    lines.push({ key: buffer.toString('utf8', at + 2 * LENGTH_BYTES, keyEnd), value: buffer.subarray(keyEnd, end) });
    at = end;
  }
  return { first: buffer.readUIntBE(0, NUMBER_BYTES), lines };
}
