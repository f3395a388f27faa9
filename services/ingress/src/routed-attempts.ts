/** The attempts of one request that has a route: which channel is next, and its call. */
import type { ResolvedChannel, ResolvedRoute } from '@tokenledger/control';
import type { RouteType } from '@tokenledger/domain';
import type { ObservedAnswer } from '@tokenledger/providers';
import type { Dispatcher } from 'undici';
import type { ChannelHealth } from './channel-health.ts';
import type { IngressConfig } from './config.ts';
import {
  type AttemptFailure,
  AttemptPlan,
  type AttemptResult,
  attemptResult,
  type PlanContext,
  type PlannedAttempt,
  retryAfterMs,
} from './core/attempt-plan.ts';
import type { AttemptRecord } from './core/usage-event.ts';
import { channelOrder, stickyDraw } from './core/channel-order.ts';
import { HedgedCall } from './hedged-call.ts';
import { type CallContext, type Sending, type UpstreamCall, upstreamCall } from './upstream-call.ts';

/** How much of a failing answer is read for its usage, and how long, before the next attempt. */
export const ASIDE_BYTES_MAX = 1_048_576;
const ASIDE_MS_MAX = 1_000;

/** An attempt that failed and is followed by another. */
export interface FailedAttempt {
  readonly record: AttemptRecord;
  readonly observed: ObservedAnswer | null;
  readonly failure: Error | undefined;
  /** Of the wait for the next. */
  readonly timer: NodeJS.Timeout;
}

export interface RoutedContext extends CallContext {
  readonly health: ChannelHealth;
  readonly config: Pick<IngressConfig, 'upstream_headers_timeout_ms'>;
}

export interface RoutedRequest {
  readonly route: ResolvedRoute;
  /** What it is forwarded as by one channel. */
  readonly sendingBy: (channel: ResolvedChannel, model: string) => Sending;
  readonly requestedModel: string;
  /** Flat pairs, which every call has. */
  readonly headers: readonly string[];
  /** Of the request, for staying with a channel. */
  readonly tenantId: string;
  readonly conversationId: string;
  /** Monotonic milliseconds. */
  readonly acceptedAt: number;
  /** What the client allows, in milliseconds since then; null: whatever the route does. */
  readonly timeoutMs: number | null;
  /** Its body is too large to be kept for another attempt. */
  readonly isSentOnce: boolean;
}

export class RoutedAttempts {
  readonly #context: RoutedContext;
  readonly #request: RoutedRequest;
  readonly #deadline: number;
  readonly #plan: AttemptPlan;
  /** Those that have failed, in order. */
  earlier: readonly AttemptRecord[] = [];
  /** Where the attempts went, in order. */
  readonly baseUrls: string[] = [];
  #aside: NodeJS.Timeout | undefined;
  /** Whose result is awaited. */
  #pending: ResolvedChannel | undefined;

  constructor(context: RoutedContext, request: RoutedRequest) {
    this.#context = context;
    this.#request = request;
    const { route, tenantId, conversationId } = request;
    this.#deadline = request.acceptedAt + Math.min(route.deadlineMs, request.timeoutMs ?? route.deadlineMs);
    const stays = route.isSticky && conversationId !== '';
    const order = channelOrder(route, stays ? stickyDraw(tenantId, conversationId) : Math.random);
    const isDrawn = (route.groups[0]?.length ?? 0) > 1;
    const limits = request.isSentOnce ? { ...route, attemptsMax: 1 } : route;
    this.#plan = new AttemptPlan(order, limits, this.#deadline, isDrawn ? (stays ? 'sticky' : 'weight') : 'first');
  }

  /** Null: all channels have as many requests in hand as they may. */
  first(): UpstreamCall | null {
    const planned = this.#plan.first(this.#context.health);
    if (planned === null) return null;
    const call = this.call(planned);
    const { hedgeAfterMs } = this.#request.route;
    if (hedgeAfterMs === null || this.#request.isSentOnce) return call;
    return new HedgedCall(call, {
      afterMs: hedgeAfterMs,
      second: () => {
        const planned = this.#plan.beside(this.#planContext());
        return planned === null ? null : this.#callBeside(planned);
      },
      onUnsent: ({ channel }) => this.#context.health.ended(channel, 'unsaid'),
      onLost: (lost, remaining, result) => {
        this.#context.health.ended(lost.channel, result);
        if (this.#pending === lost.channel) this.#pending = remaining.channel;
        this.baseUrls.splice(0, this.baseUrls.length, lost.channel.baseUrl, remaining.channel.baseUrl);
      },
    });
  }

  /** What follows an attempt that failed; null when nothing does. */
  after(failure: AttemptFailure): PlannedAttempt | null {
    return this.#plan.after(failure, this.#planContext());
  }

  #planContext(): PlanContext {
    return { now: performance.now(), random: Math.random(), takes: this.#context.health.takes };
  }

  /** As `after`, of an answer's head, which says of the channel all that there is to say. */
  afterStatus(status: number, retryAfter: string): PlannedAttempt | null {
    this.ended(attemptResult(status, undefined));
    return this.after({ kind: 'status', retryAfterMs: retryAfterMs(retryAfter, this.#context.now()) });
  }

  call({ target, reason }: PlannedAttempt): UpstreamCall {
    const { channel } = target;
    const { route, requestedModel, sendingBy, headers } = this.#request;
    const model = target.model === '' ? requestedModel : target.model;
    const routeType: RouteType = target.isCheaper ? 'cheaper_pool' : this.#plan.isAtFirst ? 'direct' : 'backup';
    this.#context.health.began(channel);
    this.#pending = channel;
    this.baseUrls.push(channel.baseUrl);
    const leftMs = Math.max(1, Math.ceil(this.leftMs()));
    return upstreamCall(
      this.#context,
      sendingBy(channel, model),
      {
        channel,
        routeType,
        routeReason: `route/${route.id}/${reason}`,
        headersTimeoutMs: Math.min(route.attemptTimeoutMs ?? this.#context.config.upstream_headers_timeout_ms, leftMs),
      },
      [...headers],
    );
  }

  /** An answer that is not passed on is read for the usage that it may state, not for long. */
  readAside(controller: Dispatcher.DispatchController, next: PlannedAttempt): void {
    const stop = (): void => controller.abort(new Error('a failing answer took too long'));
    this.#aside = setTimeout(stop, Math.min(ASIDE_MS_MAX, this.leftMs(next)));
  }

  /** Milliseconds until the deadline, after a wait. */
  leftMs(next?: PlannedAttempt): number {
    return this.#deadline - performance.now() - (next?.delayMs ?? 0);
  }

  /** The one that is out stays the one whose result is awaited. */
  #callBeside(planned: PlannedAttempt): UpstreamCall {
    const awaited = this.#pending;
    const call = this.call(planned);
    this.#pending = awaited;
    this.baseUrls.pop();
    return call;
  }

  /** One more of those that failed. */
  failed(attempt: AttemptRecord): void {
    this.earlier = [...this.earlier, attempt];
  }

  /** What became of the last call, once: it is told to the channel's health. */
  ended(result: AttemptResult): void {
    clearTimeout(this.#aside);
    const channel = this.#pending;
    if (channel === undefined) return;
    this.#pending = undefined;
    this.#context.health.ended(channel, result);
  }
}
