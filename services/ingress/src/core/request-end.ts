/** How a request ended for its client, as its event has it. Pure. */
import { type AnswerEnd, errorClassOf, outcomeOf, statusUnsent } from './outcome.ts';
import type { RequestEnd } from './usage-event.ts';

/** Monotonic milliseconds. */
export interface AnswerTimes {
  readonly startedAt: number;
  readonly firstByteAt: number | null;
  readonly firstTokenAt: number | null;
}

export interface ClientEnd extends AnswerTimes {
  readonly endedAt: number;
  /** That the client got; null: none. */
  readonly status: number | null;
  readonly bytes: number;
}

export function requestEnd(answer: AnswerEnd, client: ClientEnd): RequestEnd {
  return {
    outcome: outcomeOf(answer),
    httpStatus: client.status ?? statusUnsent(answer),
    errorClass: errorClassOf(answer),
    responseBytes: client.bytes,
    ...timesToFirst(client),
    durationMs: Math.round(client.endedAt - client.startedAt),
  };
}

export function timesToFirst({
  startedAt,
  firstByteAt,
  firstTokenAt,
}: AnswerTimes): Pick<RequestEnd, 'timeToFirstByteMs' | 'timeToFirstTokenMs'> {
  const since = (at: number | null): number | null => (at === null ? null : Math.round(at - startedAt));
  return { timeToFirstByteMs: since(firstByteAt), timeToFirstTokenMs: since(firstTokenAt) };
}
