/** Compressed bodies, both ways. Runs off the event loop. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { EngineError } from './engine-error.ts';

interface Codec {
  readonly compress: (data: Buffer) => Promise<Buffer>;
  readonly expand: (data: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;
}

/** ClickHouse's `http_zlib_compression_level`. */
const LEVEL = 3;
const BROTLI = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: LEVEL } };

const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);
const deflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.deflate);
const brotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);

/** In order of preference. */
const CODECS: ReadonlyMap<string, Codec> = new Map<string, Codec>([
  ['gzip', { compress: (data) => gzip(data, { level: LEVEL }), expand: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip) }],
  [
    'zstd',
    { compress: promisify<Buffer, Buffer>(zlib.zstdCompress), expand: promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress) },
  ],
  ['br', { compress: (data) => brotli(data, BROTLI), expand: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress) }],
  ['deflate', { compress: (data) => deflate(data, { level: LEVEL }), expand: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate) }],
]);

/** Throws `EngineError` for an unknown encoding, for damaged data and for more than `bytesMax` bytes. */
export async function expandBody(data: Buffer, encoding: string, bytesMax: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return data;
  const codec = CODECS.get(name);
  if (codec === undefined)
    throw EngineError.refusal('NOT_IMPLEMENTED', `Content-Encoding ${name} is not supported: use ${[...CODECS.keys()].join(', ')}`);
  try {
    return await codec.expand(data, { maxOutputLength: bytesMax });
  } catch (error) {
    if (error instanceof RangeError) throw EngineError.refusal('TOO_MANY_BYTES', `the request's body holds more than ${bytesMax} bytes`);
    throw EngineError.refusal(
      'BAD_ARGUMENTS',
      `the request's body is not valid ${name}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Which of our encodings the client takes; `''` for none. */
export function chooseEncoding(acceptEncoding: string): string {
  const accepted = new Set(
    acceptEncoding
      .toLowerCase()
      .split(',')
      .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
      .map((part) => part.split(';')[0]!.trim()),
  );
  return [...CODECS.keys()].find((name) => accepted.has(name)) ?? '';
}

export async function compressBody(data: Buffer, encoding: string): Promise<Buffer> {
  return CODECS.get(encoding)?.compress(data) ?? data;
}
