// Routes and channels change while requests come in: none is lost, none begins where it should not any more, and streams end where they began.
import type { ServerResponse } from 'node:http';
import { routeSchema } from '@tokenledger/control';
import { Pool } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

/** What is promised for a change to reach an ingress. */
const EFFECT_MS = 2_000;
const IN_FLIGHT = 8;
const STREAMS = 4;

/** A stream begins and goes on when the test says so; what else is asked is answered. */
function upstreamOf(streams: ServerResponse[]): AnswerScript {
  return (response, { body }) => {
    if (!body.toString().includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(CHAT_ANSWER) });
      response.end(CHAT_ANSWER);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatFrames(true)[0]);
    streams.push(response);
  };
}

test('a channel that is removed under load gets no new request after two seconds, its streams finish there, and no request is lost', async () => {
  const streams: ServerResponse[] = [];
  await using leaving = await scriptedUpstream(upstreamOf(streams));
  const others: ServerResponse[] = [];
  await using staying = await scriptedUpstream(upstreamOf(others));
  const channels = [
    { id: 'leaving', provider: 'openai', base_url: leaving.url },
    { id: 'staying', provider: 'openai', base_url: staying.url },
  ];
  const route = {
    id: 'chat',
    channels: [
      { channel: 'leaving', weight: 1 },
      { channel: 'staying', weight: 1 },
    ],
  };
  await using ingress = await runIngress({ upstreamUrl: staying.url, channels, routes: [route] });
  const pool = new Pool(ingress.url, { connections: IN_FLIGHT + 2 * STREAMS });
  await using _pool = { [Symbol.asyncDispose]: () => pool.destroy() };
  const ask = (body: string) =>
    pool.request({
      path: '/v1/chat/completions',
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    });

  let sent = 0;
  const running: Promise<string>[] = [];
  while (streams.length < STREAMS) {
    sent += 1;
    const answer = await ask(CHAT_STREAM_REQUEST);
    if (streams.length > running.length) running.push(answer.body.text());
    else answer.body.destroy(); // one that the other channel has: its client leaves
  }

  let isOver = false;
  const statuses = new Map<number, number>();
  const load = Array.from({ length: IN_FLIGHT }, async () => {
    while (!isOver) {
      sent += 1;
      const answer = await ask(CHAT_REQUEST);
      await answer.body.dump();
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
    }
  });
  await waitFor(() => leaving.seen.length > STREAMS + 20, { timeoutMs: 10_000, describe: 'requests on the channel that is to leave' });
  const changedAt = performance.now();
  await ingress.control.put(routeSchema.parse({ kind: 'route', ...route, channels: [{ channel: 'staying' }] }));
  await ingress.control.remove('channel', 'leaving');
  await waitFor(() => performance.now() - changedAt > EFFECT_MS, { timeoutMs: 2 * EFFECT_MS, describe: 'the time that a change may take' });
  const seen = leaving.seen.length;
  const served = staying.seen.length;
  await waitFor(() => staying.seen.length > served + 100, { timeoutMs: 10_000, describe: 'more requests on the channel that stays' });
  expect(leaving.seen).toHaveLength(seen);
  isOver = true;
  await Promise.all(load);

  for (const stream of [...streams, ...others]) stream.end(chatFrames(true).slice(1).join(''));
  for (const text of await Promise.all(running)) expect(text).toContain('[DONE]');
  expect([...statuses.keys()]).toEqual([200]);
  const events = await ingress.events(sent);
  expect(events.every(({ outcome }) => outcome === 'ok' || outcome === 'client_aborted')).toBe(true);
  const attempts = events.flatMap(({ attempts: of }) => of);
  expect(attempts.filter(({ channelId }) => channelId === 'leaving')).toHaveLength(leaving.seen.length);
  expect(attempts.filter(({ channelId }) => channelId === 'staying')).toHaveLength(staying.seen.length);
}, 60_000);
