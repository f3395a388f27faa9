/** `GET /v1/models`: free, so it has a metric and no event. Passed to the channel of the API that the client speaks. */
import type { Surface } from '@tokenledger/providers';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { newId } from './accepted-request.ts';
import { authenticate } from './authenticate.ts';
import { type BillableContext, queryOf } from './billable-route.ts';
import { answerHeaders, splitRequestHeaders } from './core/headers.ts';
import { ERRORS } from './errors.ts';
import { answerRefusal } from './refusal.ts';

/** `surfaces`: the one that speaks Anthropic's API is told by the `anthropic-version` header. */
export function addModelsRoute(
  app: FastifyInstance,
  surfaces: { readonly openai: Surface; readonly anthropic: Surface },
  context: BillableContext,
): void {
  app.get('/v1/models', (request, reply) =>
    listModels(request.headers['anthropic-version'] === undefined ? surfaces.openai : surfaces.anthropic, context, request, reply),
  );
}

async function listModels(surface: Surface, context: BillableContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const requestId = newId(context.now());
  const control = context.control.current();
  const key = authenticate(control, request.raw);
  if ('code' in key) {
    context.metrics.unrecorded(key.code === 'KEY_MISSING' ? 'key_missing' : 'key_unknown');
    answerRefusal(reply, surface, requestId, { status: 401, code: key.code, message: ERRORS[key.code], outcome: 'refused_policy' });
    return reply;
  }
  const channel = control.channelFor(surface.name);
  if (channel === undefined) {
    answerRefusal(reply, surface, requestId, {
      status: 503,
      code: 'CHANNEL_MISSING',
      message: ERRORS.CHANNEL_MISSING,
      outcome: 'refused_unavailable',
    });
    return reply;
  }
  context.metrics.free(surface.name);
  const headers = splitRequestHeaders(request.raw.rawHeaders, request.headers.connection).upstream;
  for (const [name, value] of Object.entries(surface.credentialHeaders(channel.credential))) headers.push(name, value);
  const { pool, basePath } = context.upstreams.of(channel);
  try {
    const answer = await pool.request({ path: `${basePath}/v1/models${queryOf(request)}`, method: 'GET', headers });
    const passed = answerHeaders(answer.headers, new Set());
    for (let index = 0; index < passed.length; index += 2) reply.header(passed[index] as string, passed[index + 1]);
    return await reply.code(answer.statusCode).header('x-tokenledger-request-id', requestId).send(answer.body);
  } catch (error) {
    request.log.debug({ err: error }, 'the list of models could not be fetched');
    answerRefusal(reply, surface, requestId, {
      status: 502,
      code: 'UPSTREAM_UNREACHABLE',
      message: ERRORS.UPSTREAM_UNREACHABLE,
      outcome: 'upstream_error',
    });
    return reply;
  }
}
