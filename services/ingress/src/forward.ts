/** A request that is understood goes on its way: by the one channel that serves it, or by those of a route. Opened in the journal first; then its bytes may leave. */
import type { ServerResponse } from 'node:http';
import type { ResolvedChannel, ResolvedRoute } from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { type ReadRequestOptions, type RequestFacts, withCachedPrompt, withModel, withOutputBound } from '@tokenledger/providers';
import { encodeOpenedRequest, encodeUsageEvent } from '@tokenledger/schemas';
import type { AcceptedRequest } from './accepted-request.ts';
import type { ChannelHealth } from './channel-health.ts';
import { fillPath } from './core/path-template.ts';
import { isPlain, openedRequest, type SentAttempt, unresolvedEvent } from './core/unresolved-event.ts';
import type { RequestRecord } from './core/usage-event.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { answerRefusal, JOURNAL_FULL, refuse } from './refusal.ts';
import type { AnswerCapture } from './response-cache.ts';
import { RoutedAttempts } from './routed-attempts.ts';
import { type Sending, type UpstreamCall, upstreamCall } from './upstream-call.ts';
import type { Upstreams } from './upstreams.ts';

export interface ForwardContext extends ExchangeContext {
  readonly upstreams: Upstreams;
  readonly health: ChannelHealth;
  readonly partitionOf: (keyId: string) => number;
}

export interface Forwarding {
  readonly accepted: AcceptedRequest;
  readonly record: RequestRecord;
  readonly facts: RequestFacts;
  /** What the facts were read with. */
  readonly readWith: ReadRequestOptions;
  /** Flat pairs; added to. */
  readonly headers: string[];
  readonly body: Buffer;
  readonly query: string;
  /** Keeps the answer for the response cache; undefined where none may come from there. */
  readonly capture: AnswerCapture | undefined;
}

/** By one channel, in one attempt. */
export function forwardBy(
  context: ForwardContext,
  forwarding: Forwarding,
  channel: ResolvedChannel,
  response: ServerResponse,
): Exchange | undefined {
  const { accepted, facts, body, query, headers } = forwarding;
  const { target } = accepted;
  const place = {
    channel,
    routeType: 'direct' as const,
    routeReason: target.channel === undefined ? 'first_channel_of_surface' : 'channel_named',
    headersTimeoutMs: undefined,
  };
  const call = upstreamCall(context, { accepted, facts, model: facts.model, path: target.path, query, body }, place, headers);
  return begin(context, forwarding, call, undefined, response);
}

/** By the channels of a route. `timeoutMs`: what the client allows; null: as long as the route does. */
export function forwardByRoute(
  context: ForwardContext,
  forwarding: Forwarding,
  route: ResolvedRoute,
  timeoutMs: number | null,
  response: ServerResponse,
): Exchange | undefined {
  const { accepted, record, facts, headers, body } = forwarding;
  const { tenantId, conversationId } = record.attribution;
  const attempts = new RoutedAttempts(context, {
    route,
    sendingBy: (channel, model) => sendingBy(forwarding, route, channel, model),
    requestedModel: facts.model,
    headers,
    tenantId,
    conversationId,
    acceptedAt: accepted.startedAt,
    timeoutMs,
    // What is handed in twice is worked on twice, and paid for.
    isSentOnce: body.length > context.config.retry_buffer_bytes || facts.reportedLater === true,
  });
  const call = attempts.first();
  if (call === null) {
    refuse(context, response, accepted, record, { status: 503, code: 'CHANNELS_FULL', outcome: 'refused_limit' });
    return undefined;
  }
  const exchange = begin(context, forwarding, call, attempts, response);
  if (exchange === undefined) attempts.ended('unsaid');
  return exchange;
}

function begin(
  context: ForwardContext,
  { accepted, record, body, capture }: Forwarding,
  call: UpstreamCall,
  attempts: RoutedAttempts | undefined,
  response: ServerResponse,
): Exchange | undefined {
  const { journal } = context;
  const { channel, sent } = call;
  const entry = journal.open({ partition: context.partitionOf(accepted.key.id), facts: () => openingFacts(record, sent) });
  if (entry === null && context.config.journal_on_full === 'refuse') {
    context.metrics.unrecorded('journal_full');
    answerRefusal(response, accepted.target.surface, accepted.requestId, JOURNAL_FULL);
    return undefined;
  }
  const counted = { surface: record.surface, provider: channel.provider, model: sent.requestedModel, body };
  const count = record.reportedLater === true ? undefined : context.counting?.begin(counted);
  const exchange = new Exchange(context, { accepted, record, call, attempts, count, capture }, entry, response);
  // Only what the operating system has is known after a crash: a request that is nowhere recorded must not be served.
  if (entry !== null) journal.onWritten(entry.position, () => exchange.begin());
  else exchange.begin();
  return exchange;
}

function openingFacts(record: RequestRecord, sent: SentAttempt): Uint8Array {
  if (isPlain(record, sent)) return encodeOpenedRequest(openedRequest(record, sent));
  return encodeUsageEvent(unresolvedEvent(record, sent, null, { source: '', sequence: 0, recordedAtMs: record.occurredAtMs }));
}

/** The same request as this channel is sent it: by the name that it has for the model, changed as the route says, asked for usage if the channel allows that. */
function sendingBy(
  { accepted, facts, readWith, body, query }: Forwarding,
  { maxTokens, cachesPrompt }: ResolvedRoute,
  channel: ResolvedChannel,
  model: string,
): Sending {
  const { target } = accepted;
  const { surface, path } = target;
  const { injectUsage, provider } = channel;
  const renamed = model === facts.model ? undefined : renamedRequest(body, target, model);
  let sent = renamed?.body ?? body;
  if (maxTokens !== null) sent = withOutputBound(sent, surface.name, provider, maxTokens);
  if (cachesPrompt) sent = withCachedPrompt(sent, surface.name, provider);
  const isReadSo = sent === body && readWith.injectUsage === injectUsage && readWith.provider === provider;
  // Only of a stream does what is read depend on these: what is spliced into it.
  const read = facts.streamed && !isReadSo ? surface.readRequest(sent, { ...readWith, injectUsage, provider }) : facts;
  return {
    accepted,
    facts: isRejected(read) ? facts : read,
    model: renamed === undefined ? facts.model : model,
    path: renamed?.path ?? path,
    query,
    body: sent,
  };
}

/** Names that stand for a model in templates of paths. */
const MODEL_NAMES = ['model', 'deployment'];

/** The model stands in the path or in the body. Undefined where it cannot be changed: a form is passed as it came. */
function renamedRequest(
  body: Buffer,
  { endpoint, names, path }: AcceptedRequest['target'],
  model: string,
): { readonly body: Buffer; readonly path: string } | undefined {
  const inPath = endpoint === undefined ? undefined : MODEL_NAMES.find((name) => names[name] !== undefined);
  const named = withModel(body, model);
  if (inPath === undefined || endpoint === undefined) return named === undefined ? undefined : { body: named, path };
  return { body: named ?? body, path: fillPath(endpoint.path, { ...names, [inPath]: model }) };
}
