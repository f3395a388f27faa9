/** Answers that a scripted provider gives: one JSON value, or a stream of frames, with time between them where a client shall leave meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AnswerScript } from './scripted-upstream.ts';

export function jsonAnswer(value: unknown, status = 200): AnswerScript {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
}

export function bytesAnswer(bytes: Buffer, contentType: string): AnswerScript {
  return (response) => {
    response.writeHead(200, { 'content-type': contentType });
    response.end(bytes);
  };
}

/** `delayMs`: before each frame but the first. */
export function streamAnswer(
  frames: readonly (string | Buffer)[],
  options: { readonly delayMs?: number; readonly contentType?: string } = {},
): AnswerScript {
  return async (response) => {
    response.writeHead(200, { 'content-type': options.contentType ?? 'text/event-stream' });
    for (const [index, frame] of frames.entries()) {
      if (index > 0 && options.delayMs !== undefined) await delay(options.delayMs);
      response.write(frame);
    }
    response.end();
  };
}

/** One server-sent event. */
export function frame(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}
