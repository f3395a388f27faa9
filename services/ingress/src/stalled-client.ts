/** A client that takes nothing of a waiting answer holds a connection to the provider: it is dropped after a while. */
import type { ServerResponse } from 'node:http';

/** Looks each `stallMs`, so that a client is dropped after one to two of these. */
export function dropWhenStalled(response: ServerResponse, stallMs: number): void {
  let taken = -1;
  const timer = setInterval(() => {
    const { writableLength } = response;
    const bytes = (response.socket?.bytesWritten ?? 0) - writableLength;
    if (response.writableNeedDrain && bytes === taken) response.destroy();
    taken = bytes;
  }, stallMs);
  response.once('close', () => clearInterval(timer));
}
