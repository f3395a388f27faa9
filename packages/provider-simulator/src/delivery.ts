/** Puts an answer on the wire as its script says: late, slowly, compressed, cut short or never. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { brotliCompressSync, constants, createBrotliCompress, createGzip, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Script } from './script.ts';

/** Whether everything was sent. The last bytes leave only after `beforeLast` has resolved. */
export type Delivered = 'complete' | 'broken_off';

/** The longest that a stall lasts when the client does not leave. */
const STALL_MS_MAX = 600_000;

export async function deliverPlain(
  response: ServerResponse,
  body: Buffer,
  script: Script,
  beforeLast: () => Promise<void>,
): Promise<Delivered> {
  const bytes = compressed(body, script.encoding ?? '');
  await wait(response, script.latency_ms);
  if (script.cut_after_bytes !== undefined) {
    response.setHeader('content-length', bytes.length);
    response.write(bytes.subarray(0, script.cut_after_bytes));
    await breakOff(response);
    return 'broken_off';
  }
  if (response.destroyed) return 'broken_off';
  await beforeLast();
  response.setHeader('content-length', bytes.length);
  response.end(bytes);
  return 'complete';
}

export async function deliverStream(
  response: ServerResponse,
  events: readonly string[],
  errorEvent: string,
  script: Script,
  beforeLast: () => Promise<void>,
): Promise<Delivered> {
  const sender = new EventSender(response, script);
  await wait(response, script.latency_ms);
  const last = events.length - 1;
  for (const [index, event] of events.entries()) {
    if (index === script.error_after_chunks) {
      await sender.send(errorEvent);
      await sender.end();
      return 'broken_off';
    }
    if (index === script.cut_after_chunks) {
      await breakOff(response);
      return 'broken_off';
    }
    if (index === script.stall_after_chunks) await wait(response, script.stall_ms ?? STALL_MS_MAX);
    if (index > 0) await wait(response, script.chunk_delay_ms);
    if (response.destroyed) return 'broken_off';
    if (index === last) await beforeLast();
    if (index < last || script.no_end !== true) await sender.send(event);
  }
  await sender.end();
  return 'complete';
}

/** Sends each event as a chunk of its own, compressed where asked. */
class EventSender {
  readonly #response: ServerResponse;
  readonly #crlf: boolean;
  readonly #encoder: Encoder | undefined;

  constructor(response: ServerResponse, script: Script) {
    this.#response = response;
    this.#crlf = script.crlf === true;
    this.#encoder = encoderOf(script.encoding ?? '');
    this.#encoder?.on('data', (chunk: Buffer) => response.write(chunk));
  }

  /** Yields after each event: what is written in one turn would leave in one piece. */
  async send(event: string): Promise<void> {
    const bytes = Buffer.from(this.#crlf ? event.replaceAll('\n', '\r\n') : event);
    if (this.#encoder !== undefined) {
      this.#encoder.write(bytes);
      await this.#flush();
    } else if (!this.#response.write(bytes) && !this.#response.destroyed) {
      await Promise.race([once(this.#response, 'drain'), once(this.#response, 'close')]);
    }
    await setImmediate();
  }

  async #flush(): Promise<void> {
    const encoder = this.#encoder;
    if (encoder !== undefined) await new Promise<void>((resolve) => encoder.flush(() => resolve()));
  }

  async end(): Promise<void> {
    if (this.#encoder !== undefined) {
      this.#encoder.end();
      await once(this.#encoder, 'end');
    }
    this.#response.end();
  }
}

type Encoder = ReturnType<typeof createGzip> | ReturnType<typeof createBrotliCompress> | ReturnType<typeof createZstdCompress>;

function encoderOf(encoding: NonNullable<Script['encoding']>): Encoder | undefined {
  switch (encoding) {
    case 'gzip':
      return createGzip({ flush: constants.Z_SYNC_FLUSH });
    case 'br':
      return createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return createZstdCompress({ flush: constants.ZSTD_e_flush });
    case '':
      return undefined;
  }
}

function compressed(body: Buffer, encoding: NonNullable<Script['encoding']>): Buffer {
  switch (encoding) {
    case 'gzip':
      return gzipSync(body);
    case 'br':
      return brotliCompressSync(body);
    case 'zstd':
      return zstdCompressSync(body);
    case '':
      return body;
  }
}

/** Waits, but no longer than the client stays. */
async function wait(response: ServerResponse, ms: number | undefined): Promise<void> {
  if (ms === undefined || ms === 0 || response.destroyed) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  try {
    await setTimeout(ms, undefined, { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    response.off('close', leave);
  }
}

/** Lets what was written leave, then destroys the connection. */
async function breakOff(response: ServerResponse): Promise<void> {
  response.flushHeaders();
  await new Promise<void>((resolve) => response.write('', () => resolve()));
  await setImmediate();
  response.destroy();
}
