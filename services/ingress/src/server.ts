/** The HTTP server of the ingress: its limits, its routes, and an error for everything that is not served. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { InvariantError } from '@tokenledger/domain';
import { SURFACES } from '@tokenledger/providers';
import { fastify, type FastifyInstance } from 'fastify';
import { newId } from './accepted-request.ts';
import { authenticate } from './authenticate.ts';
import { acceptBillable, addBillableRoute, type BillableContext } from './billable-route.ts';
import { readRequestHeaders } from './core/headers.ts';
import { endingOnDefect } from './defect.ts';
import { ERRORS, type IngressCode } from './errors.ts';
import { passFree } from './free-route.ts';
import { answerRefusal } from './refusal.ts';
import { CHANNELS_PATH, ingressRoutes, type Routes } from './routes.ts';
import { dropStalledClients } from './stalled-clients.ts';
import { ARRIVAL_CHECK_MS } from './upstreams.ts';

export function ingressServer(context: BillableContext): FastifyInstance {
  const { config } = context;
  const app = fastify({
    logger: false,
    requestTimeout: config.request_timeout_ms,
    keepAliveTimeout: config.keep_alive_timeout_ms,
    http: {
      maxHeaderSize: config.header_bytes_max,
      headersTimeout: config.headers_timeout_ms,
      connectionsCheckingInterval: Math.min(ARRIVAL_CHECK_MS, config.headers_timeout_ms),
    },
    forceCloseConnections: 'idle',
    // A request that comes on an open connection while we leave is served; its answer closes the connection.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => answerBrokenRequest(context, error, socket),
  });
  app.server.maxConnections = config.connections_max;
  app.server.on('drop', () => context.metrics.connectionRefused());
  // Left to Node, a request that expects something unknown would be answered 417 without an event.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  dropStalledClients(app.server, config.answer_stall_timeout_ms);
  const routes = ingressRoutes();
  for (const target of routes.fixed) addBillableRoute(app, target, context);
  app.route({
    method: METHODS,
    url: '/*',
    onRequest: (request, reply) => {
      reply.hijack();
      endingOnDefect(() => serveFound(context, routes, request.raw, reply.raw));
    },
    handler: () => {
      throw new InvariantError('a hijacked request reached its handler');
    },
  });
  app.setNotFoundHandler((request, reply) => {
    reply.hijack();
    answerUnserved(context, request.raw, reply.raw);
  });
  return app;
}

/** What the server's own router does not know: paths with names in them, channels that are named, free calls. */
function serveFound(context: BillableContext, routes: Routes, request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '' } = request;
  const speaksAnthropic = request.headers['anthropic-version'] !== undefined;
  const route = routes.find(context.control.current(), { method, url, speaksAnthropic });
  switch (route.kind) {
    case 'billable':
      return acceptBillable(context, route.target, request, response);
    case 'free':
      return void passFree(context, route.call, request, response);
    case 'channel_unknown':
      return refuseUnknownChannel(context, request, response);
    case 'path_invalid':
      return answerNowhere(context, request, response, { status: 400, code: 'PATH_INVALID', message: ERRORS.PATH_INVALID });
    case 'unserved':
      return answerUnserved(context, request, response);
  }
}

/** Which channels there are is told to nobody without a key. */
function refuseUnknownChannel(context: BillableContext, request: IncomingMessage, response: ServerResponse): void {
  const key = authenticate(context.control.current(), request.socket, readRequestHeaders(request.rawHeaders).read);
  if ('code' in key) {
    context.metrics.unrecorded(key.code === 'KEY_MISSING' ? 'key_missing' : 'key_unknown');
    return answerNowhere(context, request, response, { status: 401, code: key.code, message: ERRORS[key.code] });
  }
  answerNowhere(context, request, response, { status: 404, code: 'CHANNEL_UNKNOWN', message: ERRORS.CHANNEL_UNKNOWN });
}

function answerUnserved(context: BillableContext, request: IncomingMessage, response: ServerResponse): void {
  const message = `${request.method} ${(request.url ?? '').split('?')[0]} is not served; served are ${SERVED}`;
  answerNowhere(context, request, response, { status: 404, code: 'ROUTE_UNKNOWN', message });
}

/** For nobody's API: there is no event, since nothing was asked of a provider. */
function answerNowhere(
  context: BillableContext,
  request: IncomingMessage,
  response: ServerResponse,
  { status, code, message }: { readonly status: number; readonly code: IngressCode; readonly message: string },
): void {
  request.resume();
  answerRefusal(response, SURFACES['openai.chat'], newId(context.now()), { status, code, message, outcome: 'refused_invalid' });
}

/** Requests that never became one: a head that is too large (431), too slow (408) or not HTTP (400). There is no key, so there is no event. */
function answerBrokenRequest(context: BillableContext, error: Error & { code?: string }, socket: Socket): void {
  const status = STATUS_OF_PARSE_ERROR[error.code ?? ''] ?? '400 Bad Request';
  if (error.code === 'HPE_HEADER_OVERFLOW') context.metrics.unrecorded('head_too_large');
  // Within an answer that has begun, ours would be taken for a part of it.
  const isAnswering = (socket as Socket & { readonly _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true;
  if (!socket.writable || isAnswering || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({
    error: { type: 'invalid_request_error', code: status.slice(4).toLowerCase().replaceAll(' ', '_'), message: status },
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // Who does not close its half, and who sends on, is cut off; not at once, since a client that is cut off while it sends may never read why.
  const timer = setTimeout(() => socket.destroy(), CUT_OFF_AFTER_MS);
  socket.once('close', () => clearTimeout(timer));
}

const CUT_OFF_AFTER_MS = 1000;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const SERVED = [
  ...Object.values(SURFACES).map(({ endpoints: [{ method, path }] }) => `${method} ${path}`),
  'GET /v1/models',
  `${CHANNELS_PATH}{channel}/…`,
].join(', ');

const STATUS_OF_PARSE_ERROR: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
