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

/** So many frames come before a pause. */
const LEAD_FRAMES = 4;

/** `delayMs`: before each frame but the first. `pause`: what is waited for after the first few of them, so that a client can leave in the middle however slow it is. */
export function streamAnswer(
  frames: readonly (string | Buffer)[],
  options: { readonly delayMs?: number; readonly contentType?: string; readonly pause?: Promise<unknown> } = {},
): AnswerScript {
  return async (response) => {
    response.writeHead(200, { 'content-type': options.contentType ?? 'text/event-stream' });
    for (const [index, frame] of frames.entries()) {
      if (index === LEAD_FRAMES) await options.pause;
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
