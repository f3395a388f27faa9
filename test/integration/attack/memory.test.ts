// A thousand slow clients and two hundred that abort their streams, against an ingress in a process of its own: its memory stays small, and returns.
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Child, startChild } from '../../support/child.ts';
import { NODE_OPTIONS } from '../../support/node-options.ts';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { type RawClient, rawClient } from '../../support/raw-client.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const MIB = 1024 * 1024;
const RSS_MIB_MAX = 300;
/** What stays of a storm: code that was compiled for it, caches with a bound. */
const STAYS_BYTES_MAX = 16 * MIB;
const SLOW_CLIENTS = 1000;
const ABORTED_STREAMS = 200;
const HEAD = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\n`;
const STREAM = `${HEAD}content-length: ${CHAT_STREAM_REQUEST.length}\r\n\r\n${CHAT_STREAM_REQUEST}`;

let upstream: ScriptedUpstream;
let child: Child;
let url: string;
let statsUrl: string;
let calmBytes: number;

const politely = (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);

beforeEach(async () => {
  upstream = await scriptedUpstream((response, { body }) => (body.includes('"stream":true') ? stream(response) : politely(response)));
  const program = join(repositoryRoot, 'test', 'support', 'ingress-process.ts');
  child = startChild(process.execPath, [...NODE_OPTIONS, '--expose-gc', program, upstream.url, '{}']);
  const [, ingress = '', stats = ''] = await child.waitForOutput(/"url":"([^"]+)","statsUrl":"([^"]+)"/, 60_000);
  [url, statsUrl] = [ingress, stats];
  for (let asked = 0; asked < 300; asked++) await politeRequest();
  calmBytes = (await look('/live')).liveBytes;
});
afterEach(async () => {
  await child.stop('SIGTERM', 20_000);
  await upstream[Symbol.asyncDispose]();
});

async function politeRequest(): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
  const answer = await request(`${url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers });
  await answer.body.dump();
  expect(answer.statusCode).toBe(200);
}

interface Look {
  readonly rssBytes: number;
  /** What is held once the garbage is collected. */
  readonly liveBytes: number;
  readonly of: (metric: string) => number;
}

async function look(path: '/' | '/live' = '/'): Promise<Look> {
  const { body } = await request(statsUrl + path);
  const { rssBytes, liveBytes, metrics } = (await body.json()) as { rssBytes: number; liveBytes: number; metrics: string };
  return { rssBytes, liveBytes, of: (metric) => Number(new RegExp(`^tokenledger_ingress_${metric} (\\S+)$`, 'm').exec(metrics)?.[1]) };
}

/** The highest memory while `run` runs. */
async function highestDuring(run: () => Promise<void>): Promise<number> {
  let highest = 0;
  let isRunning = true;
  const looking = (async () => {
    while (isRunning) {
      highest = Math.max(highest, (await look()).rssBytes);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  try {
    await run();
  } finally {
    isRunning = false;
    await looking;
  }
  return highest;
}

/** About 1 MB of frames, which come as fast as they are taken. */
function stream(response: ServerResponse): void {
  const frame = `data: {"choices":[{"delta":{"content":"${'a'.repeat(1000)}"}}]}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let left = 1000;
  const write = (): void => {
    while (left-- > 0) if (!response.write(frame)) return;
    response.end(chatFrames(true).join(''));
  };
  response.on('drain', write);
  write();
}

async function expectCalm(): Promise<void> {
  await waitFor(
    async () => {
      const { of } = await look();
      return of('request_bytes_in_flight') + of('answer_bytes_held') + of('draining') + of('unpublished_events') === 0;
    },
    { timeoutMs: 40_000, intervalMs: 200, describe: 'everything to be let go' },
  );
  let liveBytes = 0;
  await waitFor(async () => (liveBytes = (await look('/live')).liveBytes) <= calmBytes + STAYS_BYTES_MAX, {
    timeoutMs: 20_000,
    intervalMs: 500,
    describe: () => `memory to return to ${calmBytes / MIB} MiB; it is ${liveBytes / MIB}`,
  });
}

test('a thousand slow clients', async () => {
  const body = CHAT_REQUEST.padEnd(20_000);
  const single = Array.from(body.slice(0, 2000), (byte) => `1\r\n${byte}\r\n`).join('');
  const kinds: readonly ((client: RawClient) => void)[] = [
    (client) => client.write(HEAD.slice(0, 60)),
    (client) => client.write(`${HEAD}content-length: ${body.length}\r\n\r\n${body.slice(0, -1)}`),
    (client) => client.write(`${HEAD}transfer-encoding: chunked\r\n\r\n${single}`),
    (client) => {
      client.pause();
      client.write(STREAM);
    },
  ];
  const clients: RawClient[] = [];
  const highest = await highestDuring(async () => {
    for (let wave = 0; wave < SLOW_CLIENTS; wave += 100) {
      const came = await Promise.all(Array.from({ length: 100 }, () => rawClient(url)));
      for (const [index, client] of came.entries()) kinds[index % kinds.length]?.(client);
      clients.push(...came);
    }
    await waitFor(() => upstream.seen.length >= 300 + SLOW_CLIENTS / kinds.length, { timeoutMs: 60_000, describe: 'all streams to begin' });
    // They stay for a while, as slow clients do, and others are served.
    for (let asked = 0; asked < 50; asked++) await politeRequest();
  });
  expect(highest / MIB).toBeLessThan(RSS_MIB_MAX);
  for (const client of clients) client.destroy();
  await expectCalm();
});

test('two hundred streams of 1 MB that are aborted', async () => {
  const highest = await highestDuring(async () => {
    await Promise.all(
      Array.from({ length: ABORTED_STREAMS }, async () => {
        const client = await rawClient(url);
        client.write(STREAM);
        await client.answers(1, 60_000);
        client.destroy();
      }),
    );
    // What they left is read on.
    await expectCalm();
  });
  expect(highest / MIB).toBeLessThan(RSS_MIB_MAX);
});
