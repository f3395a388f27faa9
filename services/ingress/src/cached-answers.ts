/** Answers that come from the response cache, and what is kept for it of those that do not. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ResolvedChannel, ResolvedKey, ResolvedRoute } from '@tokenledger/control';
import type { UsageEvent } from '@tokenledger/domain';
import type { ObservedAnswer } from '@tokenledger/providers';
import type { AcceptedRequest } from './accepted-request.ts';
import { cacheDirectives, cacheName } from './cache-key.ts';
import type { IngressConfig } from './config.ts';
import { cacheHitEvent } from './core/cache-hit-event.ts';
import type { SentAttempt } from './core/unresolved-event.ts';
import type { RequestEnd, RequestRecord } from './core/usage-event.ts';
import { answerRefusal, JOURNAL_FULL, recordUnforwarded, type RefusalContext } from './refusal.ts';
import type { AnswerCapture, CachedAnswer, ResponseCache } from './response-cache.ts';

export interface CacheContext extends RefusalContext {
  readonly config: Pick<IngressConfig, 'journal_on_full'>;
  readonly cache: ResponseCache;
}

type Says = Pick<ResolvedKey, 'cacheTtlMs'>;

/** How old an answer from the cache may be: what key and route say, the shorter time where both do. Null: none comes from there. */
export function cacheTtlMs(key: Says, route: Says | undefined): number | null {
  if (route === undefined || route.cacheTtlMs === null) return key.cacheTtlMs;
  return key.cacheTtlMs === null ? route.cacheTtlMs : Math.min(key.cacheTtlMs, route.cacheTtlMs);
}

/** A request that may be answered from the cache. */
export interface CacheableRequest {
  readonly accepted: AcceptedRequest;
  readonly record: RequestRecord;
  /** How old an answer may be. */
  readonly ttlMs: number;
  /** What would serve it. */
  readonly servedBy: ResolvedRoute | ResolvedChannel;
  readonly query: string;
  /** Flat pairs as they would leave, without credential. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** `answered`: from the cache. Else it has to be forwarded: what keeps its answer, or undefined where that must not be kept. */
export function answerFromCache(
  context: CacheContext,
  request: CacheableRequest,
  response: ServerResponse,
): 'answered' | AnswerCapture | undefined {
  const { accepted, record, ttlMs } = request;
  const { target } = accepted;
  const name = cacheName({ ...request, tenantId: record.attribution.tenantId, servedBy: standing(request.servedBy), target });
  if (name === null) return undefined;
  const found = name.isFresh ? undefined : context.cache.find(name.key, ttlMs);
  if (found === undefined) return context.cache.capture(name.key, ttlMs);
  replay(context, request, found, response);
  return 'answered';
}

const standings = new WeakMap<ResolvedRoute | ResolvedChannel, string>();

/** What serves, as its documents stand: what was answered before one of them changed does not come again. Told once for each. */
function standing(servedBy: ResolvedRoute | ResolvedChannel): string {
  let known = standings.get(servedBy);
  if (known === undefined) {
    const text = JSON.stringify(servedBy, (name, value: unknown) => (name === 'credential' ? undefined : value));
    standings.set(servedBy, (known = createHash('sha256').update(text).digest('base64')));
  }
  return known;
}

/** Records its event, then answers. */
function replay(context: CacheContext, { accepted, record }: CacheableRequest, answer: CachedAnswer, response: ServerResponse): void {
  const durationMs = Math.round(performance.now() - accepted.startedAt);
  const end: RequestEnd = {
    outcome: 'cache_hit',
    httpStatus: 200,
    errorClass: '',
    responseBytes: answer.body.length,
    timeToFirstByteMs: durationMs,
    timeToFirstTokenMs: durationMs,
    durationMs,
  };
  const eventOf = (event: UsageEvent): UsageEvent => cacheHitEvent(event, answer.served);
  recordUnforwarded(
    context,
    accepted,
    record,
    end,
    (recorded) => {
      if (response.destroyed) return;
      if (!recorded && context.config.journal_on_full === 'refuse') {
        answerRefusal(response, accepted.target.surface, accepted.requestId, JOURNAL_FULL);
        return;
      }
      const headers = [...answer.headers, 'x-tokenledger-request-id', accepted.requestId, 'x-tokenledger-cache', 'hit'];
      if (accepted.key.showsChannel) headers.push('x-tokenledger-channel', answer.served.channelId, 'x-tokenledger-route-type', 'cache');
      if (!record.streamed) headers.push('content-length', String(answer.body.length));
      response.writeHead(200, headers);
      response.end(answer.body);
    },
    eventOf,
  );
}

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Headers that say how a body is to be read, and what it took. Others are of one answer alone: its id, its time, what is left of a limit. */
const KEPT_HEADERS: ReadonlySet<string> = new Set(['content-type', 'content-encoding']);
const KEPT_PREFIX = 'x-amzn-bedrock-';
/** The provider billed more than the classes say: what such an answer would have cost again is not known. */
const INCOMPLETE_FLAGS: ReadonlySet<string> = new Set(['other_model_usage', 'unclassified_units']);

export type KeptAnswer = Omit<CachedAnswer, 'body'>;

export interface WholeAnswer {
  readonly status: number;
  readonly observed: ObservedAnswer;
  readonly sent: SentAttempt;
  /** Of the provider, lower-case names. */
  readonly received: AnswerHeaders;
  /** Flat pairs, as the client got them. */
  readonly headers: readonly string[];
}

/** What the cache keeps besides the bytes; null of an answer that must not come again: a failure, one whose usage is unknown or counted by another name, one that
 *  its provider wants nowhere kept (`no-store`). */
export function keptAnswer({ status, observed, sent, received, headers }: WholeAnswer): KeptAnswer | null {
  if (status !== 200 || observed.complete !== true || observed.errorClass !== '') return null;
  if (observed.usage === null || observed.identified !== undefined) return null;
  const cacheControl = received['cache-control'];
  if (cacheControl !== undefined && cacheDirectives(['cache-control', String(cacheControl)]).has('no-store')) return null;
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (KEPT_HEADERS.has(name) || name.startsWith(KEPT_PREFIX)) kept.push(name, headers[index + 1] as string);
  }
  return {
    headers: kept,
    served: {
      provider: sent.provider,
      channelId: sent.channelId,
      region: sent.region,
      servedModel: observed.servedModel || sent.requestedModel,
      serviceTier: observed.serviceTier,
      finishReason: observed.finishReason,
      usage: observed.usageFlags.some((flag) => INCOMPLETE_FLAGS.has(flag)) ? null : observed.usage,
    },
  };
}
