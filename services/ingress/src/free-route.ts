/** Calls that cost nothing: passed to their channel with a metric and no event. Bodies are passed on as they come, so that files of any size may. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ResolvedChannel } from '@tokenledger/control';
import type { Dispatcher } from 'undici';
import { newId } from './accepted-request.ts';
import { authenticate } from './authenticate.ts';
import type { BillableContext } from './billable-route.ts';
import { answerHeaders, bodyLength, plainAnswer, readRequestHeaders } from './core/headers.ts';
import { keyInQuery, queryOf, withoutKey } from './core/request-path.ts';
import { boundedBody, isTooLarge, wholeBody } from './free-body.ts';
import { passResults } from './result-answer.ts';
import { answerRefusal, type Refusal } from './refusal.ts';
import { type FreeCall, takesKeyInQuery } from './target.ts';
import { tierRefusal, tiersOfFreeCall } from './tiers.ts';

const NONE: ReadonlySet<string> = new Set();

/** Never rejects. */
export async function passFree(
  context: BillableContext,
  call: FreeCall,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = newId(context.now());
  const headers = readRequestHeaders(request.rawHeaders);
  const turnDown = (refusal: Refusal): void => {
    request.resume();
    answerRefusal(response, call.surface, requestId, refusal);
  };
  const query = queryOf(request.url ?? '');
  const key = authenticate(context.control.current(), request.socket, headers.read, takesKeyInQuery(call) ? keyInQuery(query) : undefined);
  if ('code' in key) {
    context.metrics.unrecorded(key.code === 'KEY_MISSING' ? 'key_missing' : 'key_unknown');
    return turnDown({ status: 401, code: key.code, outcome: 'refused_policy' });
  }
  const { channel } = call;
  const within = tiersOfFreeCall(key, headers.attribution);
  if (within !== null && channel !== undefined && !within.has(channel.tier)) return turnDown(tierRefusal(within));
  if (channel === undefined) return turnDown({ status: 503, code: 'CHANNEL_MISSING', outcome: 'refused_unavailable' });
  if (channel.problem !== '') {
    context.metrics.channelUnusable(channel.id);
    return turnDown({ status: 503, code: 'CHANNEL_UNUSABLE', outcome: 'refused_unavailable' });
  }
  context.metrics.free(call.surface.name, `${call.endpoint.method} ${call.endpoint.path}`);
  try {
    const passed = takesKeyInQuery(call) ? withoutKey(query) : query;
    const answer = await forward(context, { call, channel, headers, query: passed, request });
    response.writeHead(answer.statusCode, [...answerHeaders(answer.headers, NONE), 'x-tokenledger-request-id', requestId]);
    const { results } = call.endpoint;
    if (results === undefined || answer.statusCode !== 200) await pipeline(answer.body, response);
    else await passResults(context, { call, channel, results, requestId, attribution: key.attribution }, answer, response);
  } catch (error) {
    // The client is told: by a status while that is possible, else by an answer that breaks off. Nothing was billed.
    if (response.headersSent) response.destroy();
    else if (isTooLarge(error)) turnDown({ status: 413, code: 'BODY_TOO_LARGE', outcome: 'refused_too_large' });
    else turnDown({ status: 502, code: 'UPSTREAM_UNREACHABLE', outcome: 'upstream_error' });
  }
}

interface Forwarded {
  readonly call: FreeCall;
  readonly channel: ResolvedChannel;
  readonly headers: ReturnType<typeof readRequestHeaders>;
  readonly query: string;
  readonly request: IncomingMessage;
}

async function forward(context: BillableContext, { call, channel, headers, query, request }: Forwarded): Promise<Dispatcher.ResponseData> {
  const { surface, method } = call;
  const { pool, origin, basePath, credential } = context.upstreams.of(channel, surface);
  const path = basePath + call.path + query;
  const sent = [...headers.upstream, ...credential];
  if (call.endpoint.results !== undefined) plainAnswer(sent);
  const length = bodyLength(headers.read);
  const asked = { path, method };
  if (surface.sign !== undefined) {
    const body = await wholeBody(request, context.config.body_bytes_max);
    const signable = { method, url: new URL(origin + path), headers: sent, body, region: channel.region, nowMs: context.now() };
    const signature = await surface.sign(channel.credential, signable);
    return await pool.request({ ...asked, headers: [...sent, ...signature], body: body.length === 0 ? null : body });
  }
  if (length === '0') return await pool.request({ ...asked, headers: sent });
  if (length !== undefined) sent.push('content-length', length);
  return await pool.request({
    ...asked,
    headers: sent,
    body: Readable.from(boundedBody(request, context.config.free_body_bytes_max)),
  });
}
