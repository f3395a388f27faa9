// No client, however slow or rude, makes the ingress take unbounded memory: many of each kind at once, against an ingress in a process of its own.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, startChild } from '../../support/child.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const MIB = 1024 * 1024;
const LIMITS = {
  body_bytes_max: 2 * MIB,
  request_bytes_in_flight_max: 48 * MIB,
  answer_bytes_held_max: 16 * MIB,
  drain_bytes_max: MIB,
  drain_timeout_ms: 6000,
  connections_max: 600,
  upstream_connections_max: 64,
  answer_stall_timeout_ms: 3000,
};
/** Beside what is bounded above: sockets with their buffers, garbage that waits to be collected. Without bounds each of the loads below takes more. */
const SLACK_BYTES = 320 * MIB;
const RSS_BYTES_MAX = LIMITS.request_bytes_in_flight_max + LIMITS.answer_bytes_held_max + SLACK_BYTES;

let upstream: ScriptedUpstream;
let child: Child;
let port: number;
let statsUrl: string;
let calmRssBytes: number;

beforeAll(async () => {
  upstream = await scriptedUpstream(politely);
  const program = join(repositoryRoot, 'test', 'support', 'ingress-process.ts');
  child = startChild(process.execPath, [program, upstream.url, JSON.stringify(LIMITS)]);
  const [, url = '', stats = ''] = await child.waitForOutput(/"url":"([^"]+)","statsUrl":"([^"]+)"/, 30_000);
  [port, statsUrl] = [Number(new URL(url).port), stats];
  for (let count = 0; count < 200; count++) await politeRequest();
  calmRssBytes = (await look()).rssBytes;
});
afterAll(async () => {
  await child.stop('SIGTERM', 20_000);
  await upstream[Symbol.asyncDispose]();
});

function politely(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
}

async function politeRequest(): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
  const answer = await request(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers });
  await answer.body.dump();
  return answer.statusCode;
}

interface Look {
  readonly rssBytes: number;
  readonly of: (metric: string) => number;
}

async function look(): Promise<Look> {
  const { body } = await request(statsUrl);
  const { rssBytes, metrics } = (await body.json()) as { rssBytes: number; metrics: string };
  const of = (metric: string): number => Number(new RegExp(`^tokenledger_ingress_${metric} (\\S+)$`, 'm').exec(metrics)?.[1]);
  return { rssBytes, of };
}

const head = (bodyBytes: number): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${bodyBytes}\r\n\r\n`;

const bodyOf = (bytes: number, stream: boolean): string => {
  const body = { model: 'm', stream, messages: [{ role: 'user', content: '' }] };
  const missing = Math.max(0, bytes - JSON.stringify(body).length);
  return JSON.stringify({ ...body, messages: [{ role: 'user', content: 'x'.repeat(missing) }] });
};
const SMALL = bodyOf(100, false);
const STREAM = bodyOf(100, true);
const LARGE = bodyOf(MIB, false);
const LARGEST = bodyOf(LIMITS.body_bytes_max, false);

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // the ingress may cut us off: we earned it
  await once(socket, 'connect');
  return socket;
}

/** Runs `clients` of a kind at once while memory is looked at; gives the highest that was seen, and ends the clients. */
async function storm(clients: number, behave: (socket: Socket, index: number) => void | Promise<void>): Promise<Map<string, number>> {
  const sockets: Socket[] = [];
  const highest = new Map<string, number>();
  let running = true;
  const looking = (async () => {
    while (running) {
      const { rssBytes, of } = await look();
      for (const [name, value] of [
        ['rss', rssBytes],
        ['requests', of('request_bytes_in_flight')],
        ['answers', of('answer_bytes_held')],
      ] as const) {
        highest.set(name, Math.max(value, highest.get(name) ?? 0));
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  try {
    await Promise.all(
      Array.from({ length: clients }, async (_, index) => {
        const socket = await open();
        sockets.push(socket);
        await behave(socket, index);
      }),
    );
    await waitFor(async () => (await look()).of('request_bytes_in_flight') === 0 || sockets.every((socket) => socket.destroyed), {
      timeoutMs: 4000,
      intervalMs: 100,
      describe: 'the clients to be dropped',
    }).catch(() => undefined); // those that are not dropped within the time stay until they are ended here
  } finally {
    for (const socket of sockets) socket.destroy();
    running = false;
    await looking;
  }
  return highest;
}

/** Writes for as long as the other side takes it. */
function endlessly(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = `: ${'x'.repeat(16_384)}\n\n`;
  const write = (): void => {
    if (response.destroyed) return;
    if (response.write(chunk)) setImmediate(write);
  };
  response.on('drain', write);
  write();
}

/** Answers 4 MiB and stops before the end. */
function almost(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(`{"choices":[{"message":{"content":"${'x'.repeat(4 * MIB)}`);
}

const never = (): void => undefined;

test.each([
  ['that drip their heads', 300, politely, (socket: Socket) => void socket.write(head(10).slice(0, 80))],
  [
    'that send nearly all of a body and stop',
    500,
    politely,
    (socket: Socket) => void socket.write(head(LARGE.length) + LARGE.slice(0, -1)),
  ],
  ['that never read an endless stream', 200, endlessly, (socket: Socket) => void socket.pause().write(head(STREAM.length) + STREAM)],
  ['that never read a large answer', 200, almost, (socket: Socket) => void socket.pause().write(head(SMALL.length) + SMALL)],
  ['that take a large answer that does not end', 200, almost, (socket: Socket) => void socket.resume().write(head(SMALL.length) + SMALL)],
  ['that close their half and wait', 500, never, (socket: Socket) => void socket.resume().end(head(LARGE.length) + LARGE)],
  [
    'that ask again and again without reading',
    50,
    politely,
    (socket: Socket) => void socket.pause().write((head(SMALL.length) + SMALL).repeat(200)),
  ],
  [
    'that leave as soon as they have sent a large body, and come again',
    20,
    never,
    async (socket: Socket) => {
      for (let visit = 0; visit < 20; visit++) {
        const visitor = visit === 0 ? socket : await open();
        await new Promise((resolve) => visitor.write(head(LARGEST.length) + LARGEST, resolve));
        // Left at once, what the system still holds would never arrive.
        await Promise.race([once(visitor, 'data'), new Promise((resolve) => setTimeout(resolve, 200))]);
        visitor.destroy();
      }
    },
  ],
  [
    'that leave in any phase',
    500,
    endlessly,
    async (socket: Socket, index: number) => {
      const bytes = head(STREAM.length) + STREAM;
      socket.write(bytes.slice(0, Math.floor((bytes.length * (index % 50)) / 48)));
      if (index % 2 === 0) await Promise.race([once(socket, 'data'), new Promise((resolve) => setTimeout(resolve, 100))]);
      socket.destroy();
    },
  ],
])(
  'memory stays bounded with clients %s',
  async (_kind, clients, answer, behave) => {
    upstream.answer = answer;
    const highest = await storm(clients, behave);
    upstream.answer = politely;
    expect(highest.get('requests')).toBeLessThanOrEqual(LIMITS.request_bytes_in_flight_max);
    expect(highest.get('answers')).toBeLessThanOrEqual(LIMITS.answer_bytes_held_max);
    expect((highest.get('rss') ?? Number.NaN) - calmRssBytes).toBeLessThan(RSS_BYTES_MAX);
    // Nothing is kept of them, and who is polite is served.
    await waitFor(
      async () => {
        const { of } = await look();
        return of('request_bytes_in_flight') + of('answer_bytes_held') + of('draining') + of('unpublished_events') === 0;
      },
      { timeoutMs: 15_000, intervalMs: 100, describe: 'everything to be let go' },
    );
    expect(await politeRequest()).toBe(200);
  },
  40_000,
);

test('beyond the bound on connections a new one is closed at once, and counted', async () => {
  const sockets: Socket[] = [];
  try {
    for (let wave = 0; wave < 7; wave++) sockets.push(...(await Promise.all(Array.from({ length: LIMITS.connections_max / 6 }, open))));
    await waitFor(async () => (await look()).of('connections_refused_total') >= 20, {
      timeoutMs: 5000,
      describe: 'connections to be refused',
    });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await waitFor(async () => (await politeRequest().catch(() => 0)) === 200, { timeoutMs: 5000, describe: 'room again' });
});
