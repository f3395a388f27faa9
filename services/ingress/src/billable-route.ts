/** A billable surface on the wire: POST → key → body → journal → provider. Reads top to bottom as the request goes. */
import { type ControlView, type ResolvedChannel } from '@tokenledger/control';
import { type Attribution, type Rejected } from '@tokenledger/domain';
import type { RequestFacts, Surface } from '@tokenledger/providers';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type AcceptedRequest, newId } from './accepted-request.ts';
import { authenticate } from './authenticate.ts';
import type { IngressConfig } from './config.ts';
import { readAttribution } from './core/attribution.ts';
import { splitRequestHeaders } from './core/headers.ts';
import { traceIdOf } from './core/trace-context.ts';
import { type RequestEnd, type RequestRecord, usageEvent } from './core/usage-event.ts';
import { ERRORS } from './errors.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { InFlight } from './in-flight.ts';
import { answerRefusal, bareRecord, JOURNAL_FULL, recordUnforwarded, type Refusal, type RefusalContext, refuse } from './refusal.ts';
import type { Upstreams } from './upstreams.ts';

export interface BillableContext extends ExchangeContext, RefusalContext {
  readonly config: IngressConfig;
  readonly control: ControlView;
  readonly upstreams: Upstreams;
  readonly inFlight: InFlight;
  readonly fingerprint: Fingerprint;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until the request's key was accepted. */
    accepted: AcceptedRequest | null;
  }
}

const EMPTY = Buffer.alloc(0);

/** The unresolved event that recovery would publish if the process died now. */
const UNRESOLVED: RequestEnd = {
  outcome: 'unresolved',
  httpStatus: null,
  errorClass: '',
  responseBytes: null,
  timeToFirstByteMs: null,
  timeToFirstTokenMs: null,
  durationMs: 0,
};

export function addBillableRoute(app: FastifyInstance, surface: Surface, context: BillableContext): void {
  app.route({
    method: surface.method,
    url: surface.path,
    onRequest: (request, reply, next) => accept(context, surface, request, reply, next),
    handler: (request, reply) => forward(context, request, reply),
    errorHandler: (error: FastifyError, request, reply) => failed(context, error, request, reply),
  });
}

/** Before the body is read: whose request is it, and is there room for it? */
function accept(context: BillableContext, surface: Surface, request: FastifyRequest, reply: FastifyReply, next: () => void): void {
  const startedAt = performance.now();
  const occurredAtMs = context.now();
  const requestId = newId(occurredAtMs);
  const key = authenticate(context.control.current(), request.raw);
  if ('code' in key) {
    context.metrics.unrecorded(key.code === 'KEY_MISSING' ? 'key_missing' : 'key_unknown');
    answerRefusal(reply, surface, requestId, { status: 401, code: key.code, message: ERRORS[key.code], outcome: 'refused_policy' });
    return;
  }
  const accepted: AcceptedRequest = {
    requestId,
    occurredAtMs,
    startedAt,
    key,
    surface,
    traceId: traceIdOf(request.headers.traceparent as string | undefined),
  };
  request.accepted = accepted;
  const reserved = context.inFlight.reserve(request.raw);
  if (reserved === null) {
    reply.header('connection', 'close');
    refuse(context, reply, accepted, bareRecord(accepted, null), {
      status: 503,
      code: 'OVERLOADED',
      message: ERRORS.OVERLOADED,
      outcome: 'refused_limit',
    });
    return;
  }
  reply.raw.once('close', () => context.inFlight.release(reserved));
  next();
}

/** The body is here whole: what does it ask for, for whom, and who serves it? */
function forward(context: BillableContext, request: FastifyRequest, reply: FastifyReply): void {
  const beganAt = performance.now();
  const accepted = request.accepted as AcceptedRequest;
  const body = Buffer.isBuffer(request.body) ? request.body : EMPTY;
  const bare = bareRecord(accepted, body.length);
  const headers = splitRequestHeaders(request.raw.rawHeaders, request.headers.connection);
  const attribution = readAttribution(accepted.key, headers.attribution);
  if (isRejected(attribution)) return refuse(context, reply, accepted, bare, invalid(attribution));
  const known: RequestRecord = { ...bare, attribution };
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity') {
    return refuse(context, reply, accepted, known, {
      status: 415,
      code: 'ENCODING_UNSUPPORTED',
      message: ERRORS.ENCODING_UNSUPPORTED,
      outcome: 'refused_invalid',
    });
  }
  const channel = context.control.current().channelFor(accepted.surface.name);
  const facts = accepted.surface.readRequest(body, { injectUsage: channel?.injectUsage ?? false });
  if (facts.kind === 'rejected') return refuse(context, reply, accepted, known, invalid(facts));
  if (channel === undefined) {
    const record = recordOf(context, accepted, facts, attribution, body, null);
    return refuse(context, reply, accepted, record, {
      status: 503,
      code: 'CHANNEL_MISSING',
      message: ERRORS.CHANNEL_MISSING,
      outcome: 'refused_unavailable',
    });
  }
  send(context, request, reply, {
    accepted,
    facts,
    attribution,
    body,
    channel,
    upstreamHeaders: headers.upstream,
    overheadMs: performance.now() - beganAt,
  });
}

interface Sending {
  readonly accepted: AcceptedRequest;
  readonly facts: RequestFacts;
  readonly attribution: Attribution;
  readonly body: Buffer;
  readonly channel: ResolvedChannel;
  readonly upstreamHeaders: string[];
  readonly overheadMs: number;
}

/** Opened in the journal first; then its bytes may leave. */
function send(context: BillableContext, request: FastifyRequest, reply: FastifyReply, sending: Sending): void {
  const { accepted, facts, channel, body, upstreamHeaders: headers } = sending;
  const attemptStartedAt = performance.now();
  const record = recordOf(context, accepted, facts, sending.attribution, body, Math.round(sending.overheadMs * 1000));
  const entry = context.journal.open({
    partition: context.partitionOf(accepted.key.id),
    facts: () =>
      encodeUsageEvent(
        usageEvent(record, UNRESOLVED, null, { source: context.journal.source, sequence: 0, recordedAtMs: accepted.occurredAtMs }),
      ),
  });
  if (entry === null) {
    context.metrics.unrecorded('journal_full');
    answerRefusal(reply, accepted.surface, accepted.requestId, JOURNAL_FULL);
    return;
  }
  const attemptId = newId(accepted.occurredAtMs);
  for (const [name, value] of Object.entries(accepted.surface.credentialHeaders(channel.credential))) headers.push(name, value);
  headers.push('x-request-id', attemptId);
  if (facts.streamed) plainStream(headers);
  const filter = facts.injectedBody === undefined ? undefined : accepted.surface.injectionFilter?.();
  const { pool, basePath } = context.upstreams.of(channel);
  reply.hijack();
  pool.dispatch(
    { path: basePath + accepted.surface.path + queryOf(request), method: 'POST', headers, body: facts.injectedBody ?? body },
    new Exchange(context, { accepted, record, channel, attemptId, attemptStartedAt, filter }, entry, reply.raw),
  );
}

/** Only the query is the client's: the path is the surface's, whatever form the request line had. */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark);
}

/** A stream is asked for unencoded: its frames are small, and its end must be recognised before it is passed on. */
function plainStream(headers: string[]): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if ((headers[index] as string).toLowerCase() === 'accept-encoding') headers.splice(index, 2);
  }
  headers.push('accept-encoding', 'identity');
}

function recordOf(
  context: BillableContext,
  accepted: AcceptedRequest,
  facts: RequestFacts,
  attribution: Attribution,
  body: Buffer,
  overheadUs: number | null,
): RequestRecord {
  return {
    eventId: accepted.requestId,
    requestId: accepted.requestId,
    occurredAtMs: accepted.occurredAtMs,
    attribution,
    surface: accepted.surface.name,
    requestedModel: facts.model,
    streamed: facts.streamed,
    traceId: accepted.traceId,
    promptFingerprint: context.fingerprint(body),
    lastToolFingerprint: context.fingerprint(facts.lastToolText),
    requestBytes: body.length,
    overheadUs,
  };
}

/** What went wrong while the body came in: too large, cut short, or its client left. */
function failed(context: BillableContext, error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { accepted } = request;
  if (accepted === null) throw error;
  reply.header('connection', 'close');
  const record = bareRecord(accepted, null);
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `${ERRORS.BODY_TOO_LARGE} The limit is ${context.config.body_bytes_max} bytes.`;
    return refuse(context, reply, accepted, record, { status: 413, code: 'BODY_TOO_LARGE', message, outcome: 'refused_too_large' });
  }
  if (request.raw.destroyed || request.raw.errored !== null) {
    const end: RequestEnd = { ...UNRESOLVED, outcome: 'client_aborted', durationMs: Math.round(performance.now() - accepted.startedAt) };
    return recordUnforwarded(context, accepted, record, end, () => reply.hijack().raw.destroy());
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return refuse(context, reply, accepted, record, {
      status: 400,
      code: 'BODY_INCOMPLETE',
      message: ERRORS.BODY_INCOMPLETE,
      outcome: 'refused_invalid',
    });
  }
  throw error;
}

function invalid(rejection: Rejected): Refusal {
  return {
    status: 400,
    code: rejection.code === 'ATTRIBUTION_INVALID' ? 'ATTRIBUTION_INVALID' : 'REQUEST_INVALID',
    message: rejection.message,
    outcome: 'refused_invalid',
  };
}

function isRejected(value: Attribution | Rejected): value is Rejected {
  return 'kind' in value;
}
