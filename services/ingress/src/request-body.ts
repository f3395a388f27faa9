/** Reads a request's body as bytes, within a limit. */
import type { IncomingMessage } from 'node:http';
import { Pieces } from './pieces.ts';

export interface Collecting {
  /** True until the body was whole or too large. */
  readonly receiving: boolean;
}

/** `done` is called once, unless the client leaves before: then `receiving` stays true. What comes after the limit is thrown away. */
export function collectBody(request: IncomingMessage, bytesMax: number, done: (collected: Buffer | 'too_large') => void): Collecting {
  const pieces = new Pieces();
  const collecting = { receiving: true };
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    if (!collecting.receiving) return;
    bytes += chunk.length;
    if (bytes <= bytesMax) {
      pieces.push(chunk);
      return;
    }
    collecting.receiving = false;
    pieces.clear();
    done('too_large');
  });
  request.once('end', () => {
    if (!collecting.receiving) return;
    collecting.receiving = false;
    done(pieces.joined());
  });
  return collecting;
}
