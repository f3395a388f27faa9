/** The admin server: is the process alive, is every role ready, what do its metrics say. */
import { fastify, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { listenFailure, localUrl } from './listening.ts';
import type { Role, RoleState } from './role.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly roles: readonly Pick<Role, 'name' | 'state'>[];
  readonly registry: Registry;
  /** Shown on the index page and by `/healthz`. */
  readonly version: string;
}

export interface AdminServer {
  /** Throws `PORT_TAKEN`, `LISTEN_FAILED`. Gives the URL. */
  start(): Promise<string>;
  stop(): Promise<void>;
  /** For tests: requests without a socket. */
  readonly app: FastifyInstance;
}

/** The body of `/readyz`: ready when every role is, degraded ones included (they serve, and say what is wrong). */
export interface Readiness {
  readonly status: 'ready' | 'not_ready';
  readonly roles: Readonly<Record<string, RoleState>>;
}

export function readiness(roles: AdminServerOptions['roles']): Readiness {
  const states = Object.fromEntries(roles.map((role) => [role.name, role.state()]));
  const serves = (state: RoleState): boolean => state.status === 'ready' || state.status === 'degraded';
  return { status: Object.values(states).every(serves) ? 'ready' : 'not_ready', roles: states };
}

export function createAdminServer(options: AdminServerOptions): AdminServer {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(indexPage(options.version)));
  app.get('/healthz', () => ({ status: 'ok', version: options.version }));
  app.get('/readyz', (_request, reply) => {
    const body = readiness(options.roles);
    return reply.code(body.status === 'ready' ? 200 : 503).send(body);
  });
  app.get('/metrics', async (_request, reply) => reply.type(options.registry.contentType).send(await options.registry.metrics()));
  return {
    app,
    async start() {
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (error) {
        throw listenFailure(error, { section: 'admin', host: options.host, port: options.port });
      }
      const address = app.server.address();
      return localUrl(options.host, typeof address === 'object' && address !== null ? address.port : options.port);
    },
    stop: () => app.close(),
  };
}

function indexPage(version: string): string {
  return `Tokenledger ${version}\n\n/healthz  the process is alive\n/readyz   every role is ready; names each role's state\n/metrics  Prometheus metrics\n`;
}
