/** Answers for the readers' tests, and reading them. */
import type { ObservedAnswer, Surface } from '../surface.ts';

export interface Answer {
  readonly contentType: string;
  readonly httpStatus?: number;
  readonly answerBytesMax?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly provider?: string;
}

export const SSE: Answer = { contentType: 'text/event-stream; charset=utf-8' };
export const JSON_BODY: Answer = { contentType: 'application/json' };

export function read(surface: Surface, answer: Answer, ...chunks: readonly (string | Buffer)[]): ObservedAnswer {
  const reader = surface.usageReader({ httpStatus: 200, answerBytesMax: 1_000_000, ...answer });
  for (const chunk of chunks) reader.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return reader.end();
}

/** A stream of `data` events. */
export function dataEvents(...data: readonly unknown[]): string {
  return data.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');
}

export type NamedEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** A stream of named events, as Anthropic sends them. */
export function namedEvents(...events: readonly NamedEvent[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}
