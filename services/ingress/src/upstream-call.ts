/** One upstream call of a request: its id, its place in the ledger, and its bytes as they leave. */
import type { ResolvedChannel } from '@tokenledger/control';
import type { RouteType } from '@tokenledger/domain';
import type { RequestFacts, SignableRequest, StreamFilter } from '@tokenledger/providers';
import { setTraceparent, spanIdOf } from '@tokenledger/tracing';
import type { Dispatcher } from 'undici';
import { type AcceptedRequest, newId } from './accepted-request.ts';
import { plainAnswer } from './core/headers.ts';
import type { SentAttempt } from './core/unresolved-event.ts';
import type { RecordedNames } from './recorded-names.ts';
import { regionInPath } from './target.ts';
import type { Upstreams } from './upstreams.ts';

export interface CallContext {
  readonly upstreams: Upstreams;
  readonly names: RecordedNames;
  readonly now: () => number;
}

/** A request that is to be forwarded. */
export interface Sending {
  readonly accepted: AcceptedRequest;
  readonly facts: RequestFacts;
  /** What the provider is asked for. */
  readonly model: string;
  /** Below the base URL of a channel, without query. */
  readonly path: string;
  readonly query: string;
  /** As it came. */
  readonly body: Buffer;
}

/** Where it goes, and why. */
export interface CallPlace {
  readonly channel: ResolvedChannel;
  readonly routeType: RouteType;
  readonly routeReason: string;
  /** Undefined: as the pool says. */
  readonly headersTimeoutMs: number | undefined;
}

/** Is told what comes of a call; an error may come before there is anything to control it by. */
export interface CallHandler extends Dispatcher.DispatchHandler {
  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void;
}

/** An exchange whose call may be made twice. */
export interface HedgedHandler extends CallHandler {
  /** `call` is about to be made beside the one that is out. Calls back once that is written, or with false where it is not. */
  beside(call: UpstreamCall, go: (isRecorded: boolean) => void): void;
  /** Of two calls `call` remains. */
  remains(call: UpstreamCall, controller: Dispatcher.DispatchController | undefined, lost: LostCall): void;
}

/** A call that is not waited for any more. `status`: of its answer, null when none began. */
export interface LostCall {
  readonly call: UpstreamCall;
  readonly status: number | null;
  readonly error: Error | undefined;
}

export interface UpstreamCall {
  readonly channel: ResolvedChannel;
  readonly sent: SentAttempt;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Takes the injected usage out again; undefined when nothing was injected. */
  readonly filter: StreamFilter | undefined;
  /** Signs it where the provider wants that, and sends it. */
  dispatch(handler: HedgedHandler): void;
  /** From now on no second call is made beside it, and one that is out is given up. Absent: there never is one. */
  single?(): void;
}

/** `headers`: flat pairs for this call alone; added to. */
export function upstreamCall(context: CallContext, sending: Sending, place: CallPlace, headers: string[]): UpstreamCall {
  const { accepted, facts } = sending;
  const { channel } = place;
  const { target } = accepted;
  const { surface, method } = target;
  const startedAt = performance.now();
  const attemptId = newId(accepted.occurredAtMs);
  const region = regionInPath(target) ?? channel.region;
  const { pool, origin, basePath, credential } = context.upstreams.of(channel, surface);
  if (facts.streamed) plainAnswer(headers);
  headers.push(...credential, 'x-request-id', attemptId);
  if (accepted.trace !== undefined) setTraceparent(headers, accepted.trace, spanIdOf(attemptId));
  const asked = basePath + sending.path + sending.query;
  const url = surface.sign === undefined ? undefined : new URL(origin + asked);
  const path = url === undefined ? asked : url.pathname + url.search;
  const body = facts.injectedBody ?? sending.body;

  const send = (handler: CallHandler): void => {
    const options: Dispatcher.DispatchOptions = { path, method, headers, body: body.length === 0 ? null : body };
    if (place.headersTimeoutMs !== undefined) options.headersTimeout = place.headersTimeoutMs;
    pool.dispatch(options, handler);
  };

  async function sign(request: SignableRequest, handler: CallHandler): Promise<void> {
    try {
      headers.push(...((await surface.sign?.(channel.credential, request)) ?? []));
    } catch (error) {
      return handler.onResponseError(undefined, error as Error);
    }
    send(handler);
  }

  return {
    channel,
    sent: {
      attemptId,
      channelId: channel.id,
      provider: channel.provider,
      region,
      requestedModel: context.names.model(accepted.key.attribution.tenantId, sending.model, accepted.occurredAtMs),
      routeType: place.routeType,
      routeReason: place.routeReason,
      startedAtMs: accepted.occurredAtMs + Math.round(startedAt - accepted.startedAt),
    },
    startedAt,
    filter: facts.injectedBody === undefined ? undefined : surface.injectionFilter?.(),
    dispatch: url === undefined ? send : (handler) => void sign({ method, url, headers, body, region, nowMs: context.now() }, handler),
  };
}
