import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '@tokenledger/runtime';
import { afterEach, expect, test } from 'vitest';
import type { Surface } from './documents.ts';
import { demoRequest, demoTraffic } from './traffic.ts';

const BOTH: readonly Surface[] = ['openai.chat', 'anthropic.messages'];
const first = (count: number, surfaces = BOTH) => Array.from({ length: count }, (_, n) => demoRequest(n, surfaces, 'tlk_key'));

let server: Server | undefined;
afterEach(() => server?.close());

test('the n-th request is always the same', () => {
  expect(first(200)).toEqual(first(200));
});

test('within a minute of traffic every surface, plain and streamed, aborted and failing requests all occur', () => {
  const requests = first(120);
  const kinds = new Set(requests.map(({ path, body }) => `${path} ${body.includes('"stream":true') ? 'streamed' : 'plain'}`));
  expect(kinds.size).toBe(4);
  expect(requests.filter((request) => request.givesUp).length).toBeGreaterThanOrEqual(3);
  expect(requests.filter((request) => request.fails).length).toBeGreaterThanOrEqual(3);
  expect(new Set(requests.map((request) => (JSON.parse(request.body) as { model: string }).model)).size).toBeGreaterThanOrEqual(6);
});

test('only surfaces that are simulated are spoken', () => {
  expect(new Set(first(50, ['anthropic.messages']).map((request) => request.path))).toEqual(new Set(['/v1/messages']));
});

test('traffic comes at its rate and stops after its requests have ended', async () => {
  let asked = 0;
  let open = 0;
  server = createServer((request, response) => {
    asked += 1;
    open += 1;
    response.on('close', () => (open -= 1));
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const traffic = demoTraffic({
    ingressUrl: () => `http://127.0.0.1:${port}`,
    keys: () => ['tlk_key'],
    surfaces: BOTH,
    requestsPerSecond: 50,
    logger: silentLogger(),
  });
  await traffic.start();
  while (asked < 5) await new Promise((resolve) => setImmediate(resolve));
  await traffic.stop(5_000);
  const seen = asked;
  expect(open).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(asked).toBe(seen);
});

test('without a simulated channel nothing is ever sent', async () => {
  const traffic = demoTraffic({
    ingressUrl: () => {
      throw new Error('asked for where to send');
    },
    keys: () => ['tlk_key'],
    surfaces: [],
    requestsPerSecond: 50,
    logger: silentLogger(),
  });
  await traffic.start();
  expect(await traffic.stop(1_000)).toEqual({ left: '' });
});
