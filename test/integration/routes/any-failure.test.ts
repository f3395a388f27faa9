// Whatever sequence of failures the channels of a route have ready for a request.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';

const ATTEMPTS_MAX = 4;
const CHANNELS = 3;

const FATES = {
  served: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(CHAT_ANSWER) });
    response.end(CHAT_ANSWER);
  },
  served_in_chunks: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(CHAT_ANSWER.slice(0, 20));
    response.end(CHAT_ANSWER.slice(20));
  },
  wrong: (response: ServerResponse) => refuse(response, 400, {}),
  limited: (response: ServerResponse) => refuse(response, 429, { 'retry-after': '0' }),
  limited_for_long: (response: ServerResponse) => refuse(response, 429, { 'retry-after': '60' }),
  failing: (response: ServerResponse) => refuse(response, 503, { 'retry-after': '0' }),
  failing_cut: (response: ServerResponse) => {
    response.writeHead(500, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"error":', () => response.destroy());
  },
  broken: (response: ServerResponse) => void response.destroy(),
  broken_after_head: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.flushHeaders();
    setImmediate(() => response.destroy());
  },
  broken_after_a_byte: (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"choices":[]}\n\n', () => setTimeout(() => response.destroy(), 20));
  },
} as const;
type Fate = keyof typeof FATES;

/** After these no other attempt may follow; of the last one its client gets no whole answer. */
const LAST: ReadonlySet<Fate> = new Set(['served', 'served_in_chunks', 'wrong', 'broken_after_a_byte']);

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end('{"error":{"type":"simulated"}}');
}

/** All bytes that come back on a connection of its own. */
async function send(url: string, id: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  const closed = once(socket, 'close');
  socket.on('error', () => undefined); // a connection that is cut off is one of the answers
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nauthorization: Bearer ${TEST_KEY}\r\n` +
      `x-fates: ${id}\r\ncontent-length: ${CHAT_REQUEST.length}\r\n\r\n${CHAT_REQUEST}`,
  );
  await closed;
  return received;
}

test('at most one answer reaches the client, attempts are as many as configured at most, and none begins after the first byte', async () => {
  /** By request: what is left for it, what it met, and the ids it came with. */
  const requests = new Map<string, { left: Fate[]; readonly met: Fate[]; readonly ids: string[] }>();
  await using stack = new AsyncDisposableStack();
  const urls: string[] = [];
  for (let index = 0; index < CHANNELS; index++) {
    const upstream = stack.use(
      await scriptedUpstream((response, { headers }) => {
        const seen = requests.get(String(headers['x-fates']));
        const fate = seen?.left.shift() ?? 'served';
        seen?.met.push(fate);
        seen?.ids.push(String(headers['x-request-id']));
        FATES[fate](response);
      }),
    );
    urls.push(upstream.url);
  }
  const channels = urls.map((url, index) => ({ id: `c${index}`, provider: 'openai', base_url: url }));
  const ingress = stack.use(
    await runIngress({
      upstreamUrl: urls[0] ?? '',
      channels,
      config: { breaker_failures: 1_000_000 },
      routes: [{ id: 'r', attempts_max: ATTEMPTS_MAX, channels: channels.map(({ id }) => ({ channel: id, weight: 1 })) }],
    }),
  );
  let sent = 0;
  const answers = new Map<string, { readonly id: string; readonly text: string }>();
  const fates = fc.array(fc.constantFrom(...(Object.keys(FATES) as Fate[])), { minLength: 1, maxLength: ATTEMPTS_MAX + 2 });
  await fc.assert(
    fc.asyncProperty(fc.array(fates, { minLength: 8, maxLength: 8 }), async (sequences) => {
      await Promise.all(
        sequences.map(async (sequence) => {
          const id = `request-${++sent}`;
          const seen = { left: [...sequence], met: [] as Fate[], ids: [] as string[] };
          requests.set(id, seen);
          const text = await send(ingress.url, id);
          const { met } = seen;
          const last = met.at(-1) as Fate;
          const serves = last.startsWith('served');
          // What it met stands on both sides, so that a failure shows it.
          expect({
            met,
            answers: text.split('HTTP/1.1 ').length - 1,
            isWithinBound: met.length <= ATTEMPTS_MAX,
            wentOn: met.slice(0, -1).some((fate) => LAST.has(fate)),
            isServed: text.includes('chatcmpl-1'),
            isOk: text.startsWith('HTTP/1.1 200'),
          }).toEqual({
            met,
            answers: 1,
            isWithinBound: true,
            wentOn: false,
            isServed: serves,
            isOk: serves || last === 'broken_after_a_byte',
          });
          answers.set(/x-tokenledger-request-id: (\S+)/.exec(text)?.[1] ?? '', { id, text });
        }),
      );
    }),
    { numRuns: 25 },
  );
  expect(answers.size).toBe(sent);
  for (const event of await ingress.events(sent)) {
    const seen = requests.get(answers.get(event.eventId)?.id ?? '');
    expect(event.attempts.map(({ attemptId }) => attemptId)).toEqual(seen?.ids);
    expect(event.outcome === 'ok').toBe(seen?.met.at(-1)?.startsWith('served'));
  }
  expect([...requests.values()].filter(({ met }) => met.length > 1).length).toBeGreaterThan(sent / 4);
}, 60_000);
