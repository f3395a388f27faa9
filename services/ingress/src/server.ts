/** The HTTP server of the ingress: its limits, its routes, and an error for everything that is not served. */
import type { Socket } from 'node:net';
import { SURFACES } from '@tokenledger/providers';
import { fastify, type FastifyInstance } from 'fastify';
import { newId } from './accepted-request.ts';
import { addBillableRoute, type BillableContext } from './billable-route.ts';
import { addModelsRoute } from './models-route.ts';

export function ingressServer(context: BillableContext): FastifyInstance {
  const { config } = context;
  const app = fastify({
    logger: false,
    requestTimeout: config.request_timeout_ms,
    keepAliveTimeout: config.keep_alive_timeout_ms,
    http: { maxHeaderSize: config.header_bytes_max, headersTimeout: config.headers_timeout_ms },
    forceCloseConnections: 'idle',
    // A request that comes on an open connection while we leave is served; its answer closes the connection.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => answerBrokenRequest(context, error, socket),
  });
  app.server.maxConnections = config.connections_max;
  app.server.on('drop', () => context.metrics.connectionRefused());
  for (const surface of Object.values(SURFACES)) addBillableRoute(app, surface, context);
  addModelsRoute(app, { openai: SURFACES['openai.chat'], anthropic: SURFACES['anthropic.messages'] }, context);
  app.setNotFoundHandler((request, reply) => {
    const served = [
      ...Object.values(SURFACES).map((surface) => `${surface.endpoints[0].method} ${surface.endpoints[0].path}`),
      'GET /v1/models',
    ].join(', ');
    const message = `${request.method} ${request.url.split('?')[0]} is not served; served are ${served}`;
    return reply
      .code(404)
      .header('x-tokenledger-request-id', newId(context.now()))
      .send({ error: { type: 'not_found_error', code: 'ROUTE_UNKNOWN', message } });
  });
  return app;
}

/** Requests that never became one: a head that is too large (431), too slow (408) or not HTTP (400). There is no key, so there is no event. */
function answerBrokenRequest(context: BillableContext, error: Error & { code?: string }, socket: Socket): void {
  const status = STATUS_OF_PARSE_ERROR[error.code ?? ''] ?? '400 Bad Request';
  if (error.code === 'HPE_HEADER_OVERFLOW') context.metrics.unrecorded('head_too_large');
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({
    error: { type: 'invalid_request_error', code: status.slice(4).toLowerCase().replaceAll(' ', '_'), message: status },
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

const STATUS_OF_PARSE_ERROR: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
