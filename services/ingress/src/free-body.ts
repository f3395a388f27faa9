/** Bodies of calls that cost nothing: passed on piece by piece, within a limit. */
import type { IncomingMessage } from 'node:http';
import { Pieces } from './pieces.ts';

class BodyTooLarge extends Error {}

export function isTooLarge(error: unknown): boolean {
  return error instanceof BodyTooLarge || (error instanceof Error && error.cause instanceof BodyTooLarge);
}

/** Breaks off where the body is longer than `bytesMax`. */
export async function* boundedBody(request: IncomingMessage, bytesMax: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax) throw new BodyTooLarge(`longer than ${bytesMax} bytes`);
    yield chunk as Buffer;
  }
}

/** For a provider that wants all of it signed. Throws what `isTooLarge` knows. */
export async function wholeBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const pieces = new Pieces();
  for await (const chunk of boundedBody(request, bytesMax)) pieces.push(chunk);
  return pieces.joined();
}
