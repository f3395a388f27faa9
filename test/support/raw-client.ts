/** A client that writes bytes, not requests: for what no HTTP library would send. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { waitFor } from './wait-for.ts';

export interface RawClient extends AsyncDisposable {
  write(bytes: string | Buffer): void;
  /** All that came, one character per byte. */
  received(): string;
  /** Status codes of the answers that came. */
  statuses(): readonly number[];
  /** Whether the other side has ended the connection. */
  readonly ended: boolean;
  /** Whether the other side takes nothing any more either. */
  readonly cutOff: boolean;
  /** Waits until the other side has ended it. */
  end(timeoutMs?: number): Promise<void>;
  /** Waits for as many answers to begin. */
  answers(count: number, timeoutMs?: number): Promise<readonly number[]>;
  /** From now on nothing is read, until it is resumed. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

const WAIT_MS = 10_000;

/** Its own half of the connection stays open when the other is ended. */
export async function rawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  let ended = false;
  let cutOff = false;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => (text += chunk));
  socket.once('end', () => (ended = true));
  socket.once('close', () => (ended = true));
  socket.on('error', () => (ended = cutOff = true));
  await once(socket, 'connect');
  const statuses = (): readonly number[] => Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
  return {
    write: (bytes) => void socket.write(bytes),
    received: () => text,
    statuses,
    get ended() {
      return ended;
    },
    get cutOff() {
      return cutOff;
    },
    async end(timeoutMs = WAIT_MS) {
      await waitFor(() => ended, { timeoutMs, describe: () => `the connection to be ended; it said ${JSON.stringify(text)}` });
    },
    async answers(count, timeoutMs = WAIT_MS) {
      await waitFor(() => statuses().length >= count, {
        timeoutMs,
        describe: () => `${count} answers; the connection said ${JSON.stringify(text)}`,
      });
      return statuses();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    },
  };
}
