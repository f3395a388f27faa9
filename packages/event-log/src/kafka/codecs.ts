/** Compression of record batches: gzip and zstd as Node has them, snappy and lz4 by native modules. */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { AppError } from '@tokenledger/domain';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { compressSync, uncompressSync } from 'snappy';
import type { Compression } from './options.ts';

/** The lowest three bits of a batch's attributes, by Kafka's numbers. */
const CODES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly Compression[];

/** More than any batch that a broker takes decompresses to by right: a small bomb must not fill the memory. */
const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

/** Quick settings: a batch waits for its compression. */
const GZIP = { level: constants.Z_BEST_SPEED } as const;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } } as const;

export function codeOf(compression: Compression): number {
  return CODES.indexOf(compression);
}

export function compress(compression: Compression, records: Buffer): Buffer {
  switch (compression) {
    case 'none':
      return records;
    case 'gzip':
      return gzipSync(records, GZIP);
    case 'snappy':
      return compressSync(records);
    case 'lz4':
      return compressFrameSync(records);
    case 'zstd':
      return zstdCompressSync(records, ZSTD);
  }
}

/** Throws `BATCH_UNREADABLE`. */
export function decompress(code: number, records: Buffer): Buffer {
  const compression = CODES[code];
  if (compression === undefined) throw unreadable(`its compression has the unknown number ${code}`);
  try {
    switch (compression) {
      case 'none':
        return records;
      case 'gzip':
        return gunzipSync(records, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
      case 'snappy':
        return decompressSnappy(records);
      case 'lz4':
        return decompressFrameSync(records);
      case 'zstd':
        return zstdDecompressSync(records, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
    }
  } catch (error) {
    throw error instanceof AppError ? error : unreadable(`it does not decompress as ${compression}`, error);
  }
}

/** What the Java client puts in front of blocks of snappy, each behind its length; others send one block without anything. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

function decompressSnappy(records: Buffer): Buffer {
  if (!records.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return snappyBlock(records);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < records.length;) {
    const length = records.readInt32BE(at);
    blocks.push(snappyBlock(records.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

function snappyBlock(block: Buffer): Buffer {
  const records = uncompressSync(block, { asBuffer: true });
  if (!Buffer.isBuffer(records)) throw unreadable('it does not decompress as snappy');
  return records;
}

export function unreadable(why: string, cause?: unknown): AppError {
  return new AppError('BATCH_UNREADABLE', `A batch cannot be read: ${why}.`, { cause });
}
