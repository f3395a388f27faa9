/** The HTTP server of the admin API: who may, what is valid, and one shape for every refusal. Nothing of a body is read before the token is known. */
import { AppError, isRejected } from '@tokenledger/domain';
import type { Logger } from '@tokenledger/runtime';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Admin, AdminTokens } from './admin-tokens.ts';
import { errorAnswer, issuesOf, statusOf } from './answers.ts';
import type { Handlers } from './handlers.ts';
import type { RegistryMetrics } from './metrics.ts';
import { OPENAPI_PATH, openapiDocument } from './openapi.ts';
import { type Input, type Operation, type OperationName, OPERATIONS } from './operations.ts';

export interface ServerOptions {
  readonly bodyBytesMax: number;
  readonly tokens: AdminTokens;
  readonly handlers: Handlers;
  readonly metrics: RegistryMetrics;
  readonly logger: Logger;
  /** Of this program. */
  readonly version: string;
}

const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_AFTER_S = '1';
const SERVER_FAULT = 500;
const UNAVAILABLE = 503;

export function registryServer(options: ServerOptions): FastifyInstance {
  const { metrics, logger, tokens } = options;
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
  });
  const admins = new WeakMap<FastifyRequest, Admin>();

  for (const [name, operation] of Object.entries(OPERATIONS) as [OperationName, Operation][]) {
    app.route({
      method: operation.method,
      url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      config: { operation: name },
      onRequest: async (request, reply) => {
        const admin = tokens.find(request.headers.authorization);
        if (admin === undefined) {
          reply.header('www-authenticate', 'Bearer');
          return refused(reply, 'UNAUTHENTICATED', 'send `Authorization: Bearer TOKEN` with a token of `registry.tokens`');
        }
        if (!admin.scopes.has(operation.scope)) {
          return refused(reply, 'SCOPE_MISSING', `the admin token '${admin.name}' lacks the scope \`${operation.scope}\``);
        }
        admins.set(request, admin);
        return undefined;
      },
      handler: async (request, reply) => {
        const input = inputOf(operation, request);
        if ('error' in input) return reply.code(statusOf(input.error.code)).send(input);
        // The operation's own schemas made the input, which the types of a table of operations cannot say.
        const handle = options.handlers[name] as (input: Input<OperationName>, admin: Admin) => unknown;
        const answer = await handle(input, admins.get(request) as Admin);
        if (isRejected(answer)) {
          metrics.refused(answer.code);
          const issues = 'issues' in answer ? (answer.issues as Parameters<typeof errorAnswer>[2]) : [];
          return reply.code(statusOf(answer.code)).send(errorAnswer(answer.code, answer.message, issues));
        }
        return reply.code(operation.status).header('cache-control', 'no-store').send(answer);
      },
    });
  }
  const document = openapiDocument(options.version);
  app.get(OPENAPI_PATH, () => document);

  app.addHook('onResponse', async (request, reply) => {
    metrics.answered((request.routeOptions.config as { operation?: string }).operation ?? '', reply.statusCode);
  });
  app.setNotFoundHandler((request, reply) =>
    refused(reply, 'ADMIN_ROUTE_UNKNOWN', `${request.method} ${request.url.split('?')[0]} is not served: see ${OPENAPI_PATH}`),
  );
  app.setErrorHandler((error: FastifyError | AppError, _request, reply) => answerError(error, reply, logger));
  return app;
}

function inputOf(operation: Operation, request: FastifyRequest): Input<OperationName> | ReturnType<typeof errorAnswer> {
  const params = operation.params.safeParse(request.params);
  const query = operation.query.safeParse(request.query);
  const body = operation.body.safeParse(request.body ?? {});
  const issues = [params, query, body].flatMap(({ error }) => (error === undefined ? [] : issuesOf(error)));
  const [first] = issues;
  if (first === undefined) return { params: params.data, query: query.data, body: body.data } as Input<OperationName>;
  const at = first.path === '' ? '' : `${first.path}: `;
  return errorAnswer(
    'INPUT_INVALID',
    `${at}${first.message}${issues.length === 1 ? '' : ` (and ${issues.length - 1} more: see issues)`}`,
    issues,
  );
}

function refused(reply: FastifyReply, code: string, message: string): FastifyReply {
  return reply.code(statusOf(code)).send(errorAnswer(code, message));
}

/** What was thrown: a body that cannot be read, a log that does not answer, or a fault of ours, which says nothing of itself. */
function answerError(error: FastifyError | AppError, reply: FastifyReply, logger: Logger): FastifyReply {
  if (error instanceof AppError && error.retryable) {
    return reply.code(UNAVAILABLE).header('retry-after', RETRY_AFTER_S).send(errorAnswer(error.code, error.message));
  }
  const status = 'statusCode' in error ? (error.statusCode ?? SERVER_FAULT) : SERVER_FAULT;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return refused(reply, 'CHANGE_TOO_LARGE', 'the body is larger than this registry takes: split the change');
  if (status < SERVER_FAULT) return refused(reply, 'BODY_INVALID', `${error.message}: send JSON as application/json`);
  logger.error({ err: error }, 'a request of the admin API failed');
  return reply.code(SERVER_FAULT).send(errorAnswer('REGISTRY_FAILED', 'the registry failed: its log says why'));
}
