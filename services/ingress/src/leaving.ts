/** How the ingress leaves: it is seen to leave first, then takes no more requests, then waits until the event log has acknowledged all that it holds. */
import { setTimeout as wait } from 'node:timers/promises';
import { within } from '@tokenledger/runtime';
import type { FastifyInstance } from 'fastify';
import type { Counting } from './counting.ts';
import type { Publisher } from './publisher.ts';

export interface Leaving {
  /** Undefined when it had not started to listen. */
  readonly app: FastifyInstance | undefined;
  readonly publisher: Publisher | undefined;
  /** Undefined when nothing is counted. */
  readonly counting: Pick<Counting, 'idle' | 'close'> | undefined;
  /** How long it goes on serving, so that load balancers see that it is not ready any more. */
  readonly delayMs: number;
  /** For everything, in milliseconds. */
  readonly deadlineMs: number;
}

export interface Left {
  readonly requestsCutOff: boolean;
  /** Events that the log did not acknowledge in time, those of requests in hand included. */
  readonly unpublished: number;
}

/** Shares of the time at most, so that each step leaves some to the next. */
const DELAY_SHARE = 0.5;
const REQUESTS_SHARE = 0.7;
const COUNTS_SHARE = 0.5;
/** How long a connection stays open after an answer: a client that keeps it busy sends its next request meanwhile, rather than into a socket that is being closed. */
const IDLE_GRACE_MS = 100;

export async function leave({ app, publisher, counting, delayMs, deadlineMs }: Leaving): Promise<Left> {
  const untilMs = performance.now() + deadlineMs;
  const leftMs = (): number => Math.max(0, untilMs - performance.now());
  // 1. Serve on, and send clients elsewhere: each answer closes its connection, or leaves it open for a moment only.
  if (app !== undefined) {
    app.server.prependListener('request', (_request, response) => (response.shouldKeepAlive = false));
    app.server.keepAliveTimeout = IDLE_GRACE_MS;
    app.server.keepAliveTimeoutBuffer = IDLE_GRACE_MS;
    await wait(Math.min(delayMs, deadlineMs * DELAY_SHARE));
  }
  // 2. Take no more connections, and let the requests in hand end.
  const ended = app === undefined || (await closeWithin(app, leftMs() * REQUESTS_SHARE));
  // 3. Let counts end: their events are closed with them, or without them once the counter is.
  if (counting !== undefined) {
    await within(counting.idle(), leftMs() * COUNTS_SHARE);
    await within(counting.close(), leftMs() * COUNTS_SHARE);
  }
  // 4. Publish what is left, and wait until the log has it.
  const unpublished = (await publisher?.drain(leftMs())) ?? 0;
  return { requestsCutOff: !ended, unpublished };
}

/** Closes idle connections at once, waits for the others, and cuts requests off after the time. */
async function closeWithin(app: FastifyInstance, timeoutMs: number): Promise<boolean> {
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    app.server.closeAllConnections();
  }, timeoutMs);
  await app.close();
  clearTimeout(timer);
  return inTime;
}

/** What a stop says was left behind; `''` when nothing. */
export function leftSentence({ requestsCutOff, unpublished }: Left): string {
  const left = [
    requestsCutOff ? 'requests were cut off' : '',
    unpublished === 0 ? '' : `${unpublished} events are not acknowledged by the event log`,
  ];
  return left.filter((part) => part !== '').join('; ');
}
