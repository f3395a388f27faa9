/** `GET /v1/models`: free, so it has a metric and no event. Passed to the channel of the API that the client speaks. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { InvariantError } from '@tokenledger/domain';
import type { Surface } from '@tokenledger/providers';
import type { FastifyInstance } from 'fastify';
import { newId } from './accepted-request.ts';
import { authenticate } from './authenticate.ts';
import { type BillableContext, queryOf } from './billable-route.ts';
import { answerHeaders, readRequestHeaders } from './core/headers.ts';
import { answerRefusal, type Refusal } from './refusal.ts';

const PATH = '/v1/models';
const NONE: ReadonlySet<string> = new Set();

/** `surfaces`: the one that speaks Anthropic's API is told by the `anthropic-version` header. */
export function addModelsRoute(
  app: FastifyInstance,
  surfaces: { readonly openai: Surface; readonly anthropic: Surface },
  context: BillableContext,
): void {
  app.route({
    method: 'GET',
    url: PATH,
    onRequest: (request, reply) => {
      reply.hijack();
      const headers = readRequestHeaders(request.raw.rawHeaders);
      const surface = headers.read['anthropic-version'] === undefined ? surfaces.openai : surfaces.anthropic;
      void listModels(context, surface, headers, request.raw, reply.raw);
    },
    handler: () => {
      throw new InvariantError('a hijacked request reached its handler');
    },
  });
}

/** Never rejects. */
async function listModels(
  context: BillableContext,
  surface: Surface,
  headers: ReturnType<typeof readRequestHeaders>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = newId(context.now());
  const turnDown = (refusal: Refusal): void => answerRefusal(response, surface, requestId, refusal);
  request.resume();
  const control = context.control.current();
  const key = authenticate(control, request.socket, headers.read);
  if ('code' in key) {
    context.metrics.unrecorded(key.code === 'KEY_MISSING' ? 'key_missing' : 'key_unknown');
    return turnDown({ status: 401, code: key.code, outcome: 'refused_policy' });
  }
  const channel = control.channelFor(surface.name);
  if (channel === undefined) return turnDown({ status: 503, code: 'CHANNEL_MISSING', outcome: 'refused_unavailable' });
  if (channel.problem !== '') {
    context.metrics.channelUnusable(channel.id);
    return turnDown({ status: 503, code: 'CHANNEL_UNUSABLE', outcome: 'refused_unavailable' });
  }
  context.metrics.free(surface.name);
  const { pool, basePath, credential } = context.upstreams.of(channel, surface);
  try {
    const answer = await pool.request({
      path: basePath + PATH + queryOf(request),
      method: 'GET',
      headers: [...headers.upstream, ...credential],
    });
    response.writeHead(answer.statusCode, [...answerHeaders(answer.headers, NONE), 'x-tokenledger-request-id', requestId]);
    await pipeline(answer.body, response);
  } catch {
    // The client is told: by a status while that is possible, else by an answer that breaks off. Nothing was billed.
    if (response.headersSent) response.destroy();
    else turnDown({ status: 502, code: 'UPSTREAM_UNREACHABLE', outcome: 'upstream_error' });
  }
}
