/** A provider that answers each request with the recording that a header names, in the pieces of a chunking.
 *  It speaks HTTP/1.1 on plain sockets: each piece is one chunk of the transfer coding, whatever a server's own writing would make of it, and an answer
 *  cut into single bytes costs no more than its bytes. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Chunking } from './chunkings.ts';
import type { Recording } from './recording.ts';

/** `<id of the recording>;<name of the chunking>`. Passed on like any header the ingress does not know. */
export const REPLAY_HEADER = 'x-conformance-replay';

export interface ReplayedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: Buffer;
}

export interface ReplayServer extends AsyncDisposable {
  readonly url: string;
  /** What the upstream was sent for each value of the header; more than one: it was sent more often. */
  readonly seen: ReadonlyMap<string, readonly ReplayedRequest[]>;
}

const HEAD_END = '\r\n\r\n';
const HEAD_BYTES_MAX = 65_536;
/** What is written at once. */
const WIRE_BYTES = 65_536;
/** Written for every answer, or told by its framing. */
const OWN_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection']);

export async function replayServer(recordings: readonly Recording[], chunkings: readonly Chunking[]): Promise<ReplayServer> {
  const byId = new Map(recordings.map((recording) => [recording.id, recording]));
  const byName = new Map(chunkings.map((chunking) => [chunking.name as string, chunking]));
  const seen = new Map<string, ReplayedRequest[]>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // A client that closes a connection that it holds open is no failure of an exchange; what it missed shows in its answer.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    void serve(socket).catch((error: unknown) => refuse(socket, error));
  });

  async function serve(socket: Socket): Promise<void> {
    let pending = Buffer.alloc(0);
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk as Buffer]);
      for (let request = firstRequest(pending); request !== undefined; request = firstRequest(pending)) {
        pending = pending.subarray(request.bytes);
        const [id = '', name = ''] = request.replay.split(';');
        const recording = byId.get(id);
        const chunking = byName.get(name);
        if (recording === undefined || chunking === undefined) throw new Error(`no recording and chunking "${request.replay}"`);
        seen.set(request.replay, [...(seen.get(request.replay) ?? []), request]);
        await answer(socket, recording, chunking);
      }
      if (pending.length > HEAD_BYTES_MAX && pending.indexOf(HEAD_END) < 0) throw new Error('a request without an end of its head');
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve, reject) => server.close((error) => (error === undefined ? resolve() : reject(error))));
    },
  };
}

const ENCODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  '': (body) => body,
  identity: (body) => body,
  gzip: (body) => gzipSync(body),
  deflate: (body) => deflateSync(body),
  br: (body) => brotliCompressSync(body),
  zstd: (body) => zstdCompressSync(body),
};

/** Whether its body can be encoded as it was. */
export function isEncodable({ contentEncoding }: Recording): boolean {
  return Object.hasOwn(ENCODERS, contentEncoding);
}

/** The body of a recording as it went over the wire. */
export function wireBody({ responseBytes, contentEncoding }: Recording): Buffer {
  const encode = ENCODERS[contentEncoding];
  if (encode === undefined) throw new Error(`a recording is encoded as "${contentEncoding}"`);
  return encode(responseBytes);
}

/** Undefined while it is not whole. The ingress states the length of every body. */
function firstRequest(bytes: Buffer): (ReplayedRequest & { readonly bytes: number; readonly replay: string }) | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const [requestLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const bodyAt = headEnd + HEAD_END.length;
  const bodyEnd = bodyAt + Number(headers.get('content-length') ?? 0);
  if (bytes.length < bodyEnd) return undefined;
  return { method, path, body: Buffer.from(bytes.subarray(bodyAt, bodyEnd)), bytes: bodyEnd, replay: headers.get(REPLAY_HEADER) ?? '' };
}

/** What is sent whole and not streamed states its length, as providers do; everything else comes in chunks. */
async function answer(socket: Socket, recording: Recording, chunking: Chunking): Promise<void> {
  const body = wireBody(recording);
  const isPlain = chunking.name === 'whole' && !recording.streaming;
  const headers = Object.entries(recording.responseHeaders).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
  const framing: [string, string] = isPlain ? ['content-length', String(body.length)] : ['transfer-encoding', 'chunked'];
  const lines = [...headers, framing].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  let wire: Buffer[] = [Buffer.from(`HTTP/1.1 ${recording.status} Replayed\r\n${lines}\r\n`, 'latin1')];
  let bytes = 0;
  for (const piece of chunking.cut(body)) {
    // Of one part: the piece is overwritten once the next one is asked for.
    const chunk = isPlain
      ? Buffer.from(piece)
      : Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
    wire.push(chunk);
    bytes += chunk.length;
    if (chunking.delayMs === 0 && bytes < WIRE_BYTES) continue;
    await write(socket, Buffer.concat(wire));
    wire = [];
    bytes = 0;
    if (chunking.delayMs > 0) await delay(chunking.delayMs);
  }
  if (!isPlain) wire.push(Buffer.from('0\r\n\r\n'));
  await write(socket, Buffer.concat(wire));
}

/** Then the exchange fails, and its difference says why. */
function refuse(socket: Socket, error: unknown): void {
  const message = Buffer.from(`the replay failed: ${error instanceof Error ? error.message : String(error)}`);
  socket.end(
    Buffer.concat([Buffer.from(`HTTP/1.1 500 Failed\r\nconnection: close\r\ncontent-length: ${message.length}\r\n\r\n`), message]),
  );
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed || bytes.length === 0 || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}
