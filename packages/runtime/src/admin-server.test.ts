import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createAdminServer, type AdminServer } from './admin-server.ts';
import { createMetrics, createRegistry } from './metrics.ts';
import type { RoleState, RoleStatus } from './role.ts';

function serverWith(states: Readonly<Record<string, RoleStatus>>, port = 0): AdminServer {
  const roles = Object.entries(states).map(([name, status]) => ({
    name,
    state: (): RoleState => ({ status, detail: `${name} is ${status}` }),
  }));
  const registry = createRegistry({ processMetrics: false });
  createMetrics(registry, 'pricer').counter('events_total', 'Events.').inc(3);
  return createAdminServer({ host: '127.0.0.1', port, roles, registry, version: '1.2.3' });
}

test.each([
  ['all ready', { ingress: 'ready', writer: 'ready' }, 200],
  ['one degraded, which serves', { ingress: 'ready', writer: 'degraded' }, 200],
  ['one starting', { ingress: 'ready', writer: 'starting' }, 503],
  ['one failed', { ingress: 'failed', writer: 'ready' }, 503],
  ['one stopping', { ingress: 'stopping', writer: 'ready' }, 503],
] as const)('/readyz with %s', async (_name, states, status) => {
  const answer = await serverWith(states).app.inject('/readyz');
  expect(answer.statusCode).toBe(status);
  expect(answer.json()).toEqual({
    status: status === 200 ? 'ready' : 'not_ready',
    roles: {
      ingress: { status: states.ingress, detail: `ingress is ${states.ingress}` },
      writer: { status: states.writer, detail: `writer is ${states.writer}` },
    },
  });
});

test('/healthz answers while a role is not ready', async () => {
  const answer = await serverWith({ ingress: 'starting' }).app.inject('/healthz');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'ok', version: '1.2.3' });
});

test('/metrics shows the registry', async () => {
  const answer = await serverWith({}).app.inject('/metrics');
  expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  expect(answer.body).toContain('tokenledger_pricer_events_total 3');
});

test('port 0 means any free port, and the URL names it', async () => {
  const server = serverWith({ ingress: 'ready' });
  const url = await server.start();
  try {
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  } finally {
    await server.stop();
  }
});

test('a taken port is one line that says which and what to do', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const address = holder.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(serverWith({}, port).start()).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `admin.port ${port} is taken on 127.0.0.1: stop what listens there, or choose another with --admin-port (0 means any free port)`,
  });
  await new Promise((resolve) => holder.close(resolve));
});
