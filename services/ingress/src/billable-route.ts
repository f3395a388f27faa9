/** A billable surface on the wire: key → body → journal → provider. Reads top to bottom as a request goes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ControlView, tiersOf } from '@tokenledger/control';
import { type Attribution, InvariantError, isRejected, type Rejected } from '@tokenledger/domain';
import type { ReadRequestOptions, RequestFacts } from '@tokenledger/providers';
import { traceIdOf } from '@tokenledger/tracing';
import type { FastifyInstance } from 'fastify';
import { type AcceptedRequest, newId } from './accepted-request.ts';
import { authenticate } from './authenticate.ts';
import { answerFromCache, type CacheContext, cacheTtlMs } from './cached-answers.ts';
import type { IngressConfig } from './config.ts';
import { readAttribution, timeoutAsked } from './core/attribution.ts';
import { bodyLength, readRequestHeaders, type RequestHeaders } from './core/headers.ts';
import { keyInQuery, queryOf, withoutKey } from './core/request-path.ts';
import type { RequestEnd, RequestRecord } from './core/usage-event.ts';
import { ERRORS } from './errors.ts';
import { endingOnDefect } from './defect.ts';
import type { Exchange } from './exchange.ts';
import type { Fingerprint } from './fingerprint.ts';
import { type ForwardContext, type Forwarding, forwardBy, forwardByRoute } from './forward.ts';
import type { InFlight } from './in-flight.ts';
import { answerRefusal, recordUnforwarded, type Refusal, type RefusalContext, refuse } from './refusal.ts';
import { refuseModel } from './model-refusal.ts';
import { collectBody } from './request-body.ts';
import type { AnswerCapture } from './response-cache.ts';
import { takesKeyInQuery, type Target } from './target.ts';
import { channelWithin, tierRefusal } from './tiers.ts';

export interface BillableContext extends ForwardContext, RefusalContext, CacheContext {
  readonly config: IngressConfig;
  readonly control: ControlView;
  readonly inFlight: InFlight;
  readonly fingerprint: Fingerprint;
}

const MICROSECONDS_PER_MS = 1000;

/** Fastify finds the route; from there on request and response are ours, so that bodies stay bytes and nothing is done twice. */
export function addBillableRoute(app: FastifyInstance, target: Target, context: BillableContext): void {
  app.route({
    method: target.method,
    url: target.path,
    onRequest: (request, reply) => {
      reply.hijack();
      endingOnDefect(() => acceptBillable(context, target, request.raw, reply.raw));
    },
    handler: () => {
      throw new InvariantError('a hijacked request reached its handler');
    },
  });
}

/** Whose request is it, and is there room for it? Then its body is read. */
export function acceptBillable(context: BillableContext, target: Target, request: IncomingMessage, response: ServerResponse): void {
  const startedAt = performance.now();
  const occurredAtMs = context.now();
  const requestId = newId(occurredAtMs);
  const headers = readRequestHeaders(request.rawHeaders);
  const control = context.control.current();
  const inQuery = takesKeyInQuery(target) ? keyInQuery(queryOf(request.url ?? '')) : undefined;
  const key = authenticate(control, request.socket, headers.read, inQuery);
  if ('code' in key) {
    context.metrics.unrecorded(key.code === 'KEY_MISSING' ? 'key_missing' : 'key_unknown');
    request.resume();
    answerRefusal(response, target.surface, requestId, { status: 401, code: key.code, outcome: 'refused_policy' });
    return;
  }
  const trace = context.tracing?.begin(headers.read.traceparent, requestId);
  const accepted: AcceptedRequest = {
    requestId,
    occurredAtMs,
    startedAt,
    control,
    key,
    target,
    traceId: trace === undefined ? traceIdOf(headers.read.traceparent) : trace.traceId,
    trace,
  };
  const reserved = context.inFlight.reserve(bodyLength(headers.read));
  if (reserved === null) {
    request.resume();
    refuse(context, response, accepted, bareRecord(accepted, null), { status: 503, code: 'OVERLOADED', outcome: 'refused_limit' });
    return;
  }
  let exchange: Exchange | undefined;
  let waits = false;
  const body = collectBody(request, context.config.body_bytes_max, (collected) => {
    if (collected === 'too_large') {
      const message = `${ERRORS.BODY_TOO_LARGE} The limit is ${context.config.body_bytes_max} bytes.`;
      refuse(context, response, accepted, bareRecord(accepted, null), {
        status: 413,
        code: 'BODY_TOO_LARGE',
        outcome: 'refused_too_large',
        message,
      });
    } else {
      waits = true;
      context.turn.add(() => {
        if (!waits) return;
        waits = false;
        exchange = understand(context, accepted, headers, collected, request, response);
      });
    }
  });
  response.once('close', () => {
    const release = (): void => context.inFlight.release(reserved);
    if (exchange !== undefined) return exchange.clientClosed(release);
    if (body.receiving || waits) clientLeft(context, accepted);
    waits = false;
    release();
  });
}

/** The client left while it was sending. */
function clientLeft(context: BillableContext, accepted: AcceptedRequest): void {
  const end: RequestEnd = {
    outcome: 'client_aborted',
    httpStatus: null,
    errorClass: '',
    responseBytes: null,
    timeToFirstByteMs: null,
    timeToFirstTokenMs: null,
    durationMs: Math.round(performance.now() - accepted.startedAt),
  };
  recordUnforwarded(context, accepted, bareRecord(accepted, null), end, () => undefined);
}

/** The body is here whole: what does it ask for, for whom, and who serves it? */
function understand(
  context: BillableContext,
  accepted: AcceptedRequest,
  headers: RequestHeaders,
  body: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
): Exchange | undefined {
  const beganAt = performance.now();
  const asked = readAttribution(accepted.key, headers.attribution);
  if (isRejected(asked)) return turnDown(bareRecord(accepted, body.length), invalid(asked));
  const attribution = context.names.attribution(asked, accepted.key.attribution, accepted.occurredAtMs);
  const { target, control } = accepted;
  const coding = headers.read['content-encoding'];
  if (coding !== undefined && coding !== 'identity' && target.endpoint !== undefined) {
    return turnDown(
      { ...bareRecord(accepted, body.length), attribution },
      { status: 415, code: 'ENCODING_UNSUPPORTED', outcome: 'refused_invalid' },
    );
  }
  const { models, tiers } = accepted.key;
  const within = tiers === null ? null : tiersOf(tiers, attribution.projectId);
  const channel = within === null ? (target.channel ?? control.channelFor(target.surface.name)) : channelWithin(control, target, within);
  const query = takesKeyInQuery(target) ? withoutKey(queryOf(request.url ?? '')) : queryOf(request.url ?? '');
  const readWith: ReadRequestOptions = {
    injectUsage: channel?.injectUsage ?? false,
    path: target.names,
    query: query.slice(1),
    endpoint: target.endpoint,
    contentType: headers.read['content-type'],
    provider: channel?.provider,
  };
  const facts = target.surface.readRequest(body, readWith);
  if (facts.kind === 'rejected') return turnDown({ ...bareRecord(accepted, body.length), attribution }, invalid(facts));
  const record = recordOf(context, accepted, facts, attribution, body, beganAt);
  const refusal = models === null ? null : refuseModel(models, target, attribution.projectId, facts.model);
  if (refusal !== null) return turnDown(record, refusal);
  const route = target.channel === undefined ? control.routes?.find(target.surface.name, facts.model, asked, within) : undefined;
  const serving = route?.groups[0]?.[0]?.channel ?? channel;
  if (serving === undefined && within !== null) return turnDown(record, tierRefusal(within));
  if (serving === undefined) return turnDown(record, { status: 503, code: 'CHANNEL_MISSING', outcome: 'refused_unavailable' });
  if (serving.problem !== '') {
    context.metrics.channelUnusable(serving.id);
    return turnDown(record, { status: 503, code: 'CHANNEL_UNUSABLE', outcome: 'refused_unavailable' });
  }
  const ttlMs = cacheTtlMs(accepted.key, route);
  let capture: AnswerCapture | undefined;
  if (ttlMs !== null) {
    const found = answerFromCache(
      context,
      { accepted, record, ttlMs, servedBy: route ?? serving, query, headers: headers.upstream, body },
      response,
    );
    if (found === 'answered') return undefined;
    capture = found;
  }
  const forwarding: Forwarding = { accepted, record, facts, readWith, headers: headers.upstream, body, query, capture };
  if (route === undefined) return forwardBy(context, forwarding, serving, response);
  return forwardByRoute(context, forwarding, route, timeoutAsked(headers.attribution), response);

  function turnDown(refused: RequestRecord, refusal: Refusal): undefined {
    refuse(context, response, accepted, refused, refusal);
  }
}

function recordOf(
  context: BillableContext,
  accepted: AcceptedRequest,
  facts: RequestFacts,
  attribution: Attribution,
  body: Buffer,
  beganAt: number,
): RequestRecord {
  return {
    eventId: accepted.requestId,
    requestId: accepted.requestId,
    occurredAtMs: accepted.occurredAtMs,
    attribution,
    surface: accepted.target.surface.name,
    requestedModel: context.names.model(attribution.tenantId, facts.model, accepted.occurredAtMs),
    streamed: facts.streamed,
    traceId: accepted.traceId,
    promptFingerprint: context.fingerprint(body),
    lastToolFingerprint: context.fingerprint(facts.lastToolText),
    requestBytes: body.length,
    holdsMedia: facts.holdsMedia,
    ...(facts.reportedLater === true ? { reportedLater: true } : {}),
    overheadUs: Math.round((performance.now() - beganAt) * MICROSECONDS_PER_MS),
  };
}

/** What is known of a request whose body was not understood. */
function bareRecord(accepted: AcceptedRequest, requestBytes: number | null): RequestRecord {
  return {
    eventId: accepted.requestId,
    requestId: accepted.requestId,
    occurredAtMs: accepted.occurredAtMs,
    attribution: accepted.key.attribution,
    surface: accepted.target.surface.name,
    requestedModel: '',
    streamed: false,
    traceId: accepted.traceId,
    promptFingerprint: '',
    lastToolFingerprint: '',
    requestBytes,
    holdsMedia: false,
    overheadUs: null,
  };
}

function invalid(rejection: Rejected): Refusal {
  const code = rejection.code === 'ATTRIBUTION_INVALID' ? 'ATTRIBUTION_INVALID' : 'REQUEST_INVALID';
  return { status: 400, code, message: rejection.message, outcome: 'refused_invalid' };
}
