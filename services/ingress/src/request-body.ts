/** Reads a request's body as bytes, within a limit. */
import type { IncomingMessage } from 'node:http';

export interface Collecting {
  /** True until the body was whole or too large. */
  readonly receiving: boolean;
}

const EMPTY = Buffer.alloc(0);

/** `done` is called once, unless the client leaves before: then `receiving` stays true. What comes after the limit is thrown away. */
export function collectBody(request: IncomingMessage, bytesMax: number, done: (collected: Buffer | 'too_large') => void): Collecting {
  const chunks: Buffer[] = [];
  const collecting = { receiving: true };
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    if (!collecting.receiving) return;
    bytes += chunk.length;
    if (bytes <= bytesMax) {
      chunks.push(chunk);
      return;
    }
    collecting.receiving = false;
    chunks.length = 0;
    done('too_large');
  });
  request.once('end', () => {
    if (!collecting.receiving) return;
    collecting.receiving = false;
    done(chunks.length === 1 ? (chunks[0] as Buffer) : chunks.length === 0 ? EMPTY : Buffer.concat(chunks, bytes));
  });
  return collecting;
}
