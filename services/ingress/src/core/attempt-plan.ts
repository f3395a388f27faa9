/** What follows a failed attempt of a request that has a route: the same channel again after a wait, the next one, or nothing more. Pure.
 *
 *  | failed with            | `Retry-After`        | the same channel                       | else the next channel | else              |
 *  | ---------------------- | -------------------- | -------------------------------------- | --------------------- | ----------------- |
 *  | 429, 5xx               | up to the route's    | after that, while it has retries left  | at once               | the client has it |
 *  | 429, 5xx               | longer               | never                                  | at once               | the client has it |
 *  | 429, 5xx               | none                 | after a pause, while it has retries    | at once               | the client has it |
 *  | a connection, a timeout | –                   | only where there is no next, as above  | at once               | the client has it |
 *
 *  Nothing follows the last of `attemptsMax`, and no attempt begins after the deadline: a wait that would pass it is not begun. */
import type { ResolvedChannel, ResolvedRoute, RouteTarget } from '@tokenledger/control';

export type AttemptFailure =
  /** The provider answered 429 or 5xx. `retryAfterMs`: null where it does not say. */
  | { readonly kind: 'status'; readonly retryAfterMs: number | null }
  /** There was no answer, or none that can be passed on. */
  | { readonly kind: 'unanswered' };

/** Why a channel was tried. */
export type ChannelReason = 'first' | 'weight' | 'sticky' | 'passed_over' | 'retry' | 'fallback' | 'hedge';

export interface PlannedAttempt {
  readonly target: RouteTarget;
  readonly reason: ChannelReason;
  readonly delayMs: number;
}

export interface PlanContext {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Between 0 and 1, for the length of a pause. */
  readonly random: number;
  /** Whether a channel works, as far as is known, and has room. */
  readonly takes: (channel: ResolvedChannel) => boolean;
}

export interface FirstContext extends Pick<PlanContext, 'takes'> {
  /** Whether a channel may have another request in hand. */
  readonly hasRoom: (channel: ResolvedChannel) => boolean;
}

type RouteLimits = Pick<ResolvedRoute, 'attemptsMax' | 'retries' | 'retryAfterMaxMs'>;

/** Pauses before a channel is tried again that does not say when, doubled each time. */
const PAUSE_MS = 200;
const PAUSE_MS_MAX = 5_000;

/** Of one request. */
export class AttemptPlan {
  readonly #order: readonly RouteTarget[];
  readonly #limits: RouteLimits;
  /** Monotonic milliseconds. */
  readonly #deadline: number;
  readonly #firstReason: ChannelReason;
  #index = 0;
  #made = 0;
  #retried = 0;

  /** `order`: at least one. `firstReason`: why its first comes first. */
  constructor(order: readonly RouteTarget[], limits: RouteLimits, deadline: number, firstReason: ChannelReason) {
    this.#order = order;
    this.#limits = limits;
    this.#deadline = deadline;
    this.#firstReason = firstReason;
  }

  /** Where the last attempt went. */
  get target(): RouteTarget {
    return this.#order[this.#index] as RouteTarget;
  }

  /** Whether it went to the channel that comes first for this request. */
  get isAtFirst(): boolean {
    return this.#index === 0;
  }

  get attemptsMade(): number {
    return this.#made;
  }

  /** The first channel that takes requests; where none does, the first that has room: a request is never refused because others failed. Null: all are full. */
  first({ takes, hasRoom }: FirstContext): PlannedAttempt | null {
    const taking = this.#order.findIndex(({ channel }) => takes(channel));
    const index = taking >= 0 ? taking : this.#order.findIndex(({ channel }) => hasRoom(channel));
    if (index < 0) return null;
    this.#made = 1;
    this.#index = index;
    return { target: this.target, reason: index === 0 ? this.#firstReason : 'passed_over', delayMs: 0 };
  }

  /** Another channel to ask while the first is still to answer; null: none. */
  beside(context: PlanContext): PlannedAttempt | null {
    if (this.#made >= this.#limits.attemptsMax || context.now >= this.#deadline) return null;
    const next = this.#nextAfter(context);
    return next < 0 ? null : this.#moveTo(next, 'hedge');
  }

  /** Null: what failed is what the client gets. */
  after(failure: AttemptFailure, context: PlanContext): PlannedAttempt | null {
    if (this.#made >= this.#limits.attemptsMax || context.now >= this.#deadline) return null;
    const next = this.#nextAfter(context);
    const mayRetry = this.#retried < this.#limits.retries && context.takes(this.target.channel);
    const waitMs = mayRetry ? this.#waitMs(failure, context.random) : null;
    const isInTime = waitMs !== null && context.now + waitMs < this.#deadline;
    if (isInTime && (failure.kind === 'status' || next < 0)) {
      this.#made += 1;
      this.#retried += 1;
      return { target: this.target, reason: 'retry', delayMs: waitMs };
    }
    return next < 0 ? null : this.#moveTo(next, 'fallback');
  }

  /** Below 0: there is none. */
  #nextAfter({ takes }: PlanContext): number {
    return this.#order.findIndex(({ channel }, index) => index > this.#index && takes(channel));
  }

  #moveTo(index: number, reason: ChannelReason): PlannedAttempt {
    this.#made += 1;
    this.#retried = 0;
    this.#index = index;
    return { target: this.target, reason, delayMs: 0 };
  }

  /** Null: longer than is waited for. */
  #waitMs(failure: AttemptFailure, random: number): number | null {
    if (failure.kind === 'status' && failure.retryAfterMs !== null) {
      return failure.retryAfterMs <= this.#limits.retryAfterMaxMs ? failure.retryAfterMs : null;
    }
    const pauseMs = Math.min(PAUSE_MS * 2 ** this.#retried, PAUSE_MS_MAX);
    return Math.round(pauseMs * (0.5 + random / 2));
  }
}

const HTTP_DATE = /^[A-Z][a-z]{2},/;

/** In milliseconds from `nowMs` (milliseconds since the epoch); null where the header says nothing that can be read. Seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string, nowMs: number): number | null {
  if (header === '') return null;
  if (/^\d{1,9}(\.\d{1,9})?$/.test(header)) return Math.ceil(Number(header) * 1000);
  const at = HTTP_DATE.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

/** What an attempt says of its channel; `unsaid`: nothing. */
export type AttemptResult = 'served' | 'failed' | 'unsaid';

/** `status`: of the answer; null when there was none. `failure`: what broke it off. */
export function attemptResult(status: number | null, failure: Error | undefined): AttemptResult {
  if (failure !== undefined || status === null || status >= 500) return 'failed';
  return status === TOO_MANY_REQUESTS ? 'unsaid' : 'served';
}

const TOO_MANY_REQUESTS = 429;

/** Whether another attempt may fare better. */
export function isRetryable(status: number): boolean {
  return status === TOO_MANY_REQUESTS || status >= 500;
}
