/** One keep-alive HTTP/1.1 connection that sends the same request again and again and only looks for the end of each answer: a load generator must
 *  cost less than what it loads, or it is what is measured. */
import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

export interface RawRequest {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export class RawConnection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  #bodyLeft = -1;
  #chunked = false;
  #tail = '';
  #inHead = true;
  #head = '';
  #done: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(request: RawRequest) {
    const { hostname, port, host } = new URL(request.url);
    const headers = { host, ...request.headers, 'content-length': String(request.body.length) };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#request = Buffer.concat([Buffer.from(`POST ${request.path} HTTP/1.1\r\n${lines.join('')}\r\n`), request.body]);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#failed?.(error));
    this.#socket.on('close', () => this.#failed?.(new Error('the connection was closed within an answer')));
  }

  /** Sends the request; resolves at the end of its answer. Rejects for any status but 200. */
  send(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#inHead = true;
      this.#head = '';
      this.#tail = '';
      this.#socket.write(this.#request);
    });
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let from = 0;
    if (this.#inHead) {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) return;
      from = chunk.length - (this.#head.length - end - HEAD_END.length);
      this.#readHead(this.#head.slice(0, end));
    }
    if (this.#chunked) {
      this.#tail = (this.#tail + chunk.toString('latin1', Math.max(from, chunk.length - LAST_CHUNK.length))).slice(-LAST_CHUNK.length);
      if (this.#tail === LAST_CHUNK) this.#finish();
    } else {
      this.#bodyLeft -= chunk.length - from;
      if (this.#bodyLeft <= 0) this.#finish();
    }
  }

  #readHead(head: string): void {
    this.#inHead = false;
    if (!head.startsWith('HTTP/1.1 200')) this.#failed?.(new Error(head.slice(0, head.indexOf('\r\n'))));
    const length = /\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#chunked = length === undefined;
    this.#bodyLeft = Number(length ?? 0);
  }

  #finish(): void {
    const done = this.#done;
    this.#done = undefined;
    this.#failed = undefined;
    done?.();
  }
}
