// How an ingress leaves: what clients and load balancers see of it, and what of its events stays behind.
import { Agent, request } from 'undici';
import { afterAll, expect, test } from 'vitest';
import { awayLog } from '../../support/away-log.ts';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
/** One connection that is kept: what a load balancer has to an ingress. */
const kept = new Agent({ connections: 1 });
afterAll(() => kept.close());
const chat = (url: string, body: string) =>
  request(`${url}/v1/chat/completions`, { method: 'POST', body, headers: HEADERS, dispatcher: kept });
const answerAtOnce: AnswerScript = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);

test('it says that it is not ready at once, and serves on for the delay, closing the connections of those it answers', async () => {
  await using upstream = await scriptedUpstream(answerAtOnce);
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { leave_delay_ms: 1_000 } });
  const before = await chat(ingress.url, CHAT_REQUEST);
  await before.body.dump();
  expect(before.headers['connection']).toBe('keep-alive');
  let stopped = false;
  const stopping = ingress.stop(20_000).finally(() => (stopped = true));
  expect(ingress.state().status).toBe('stopping');
  const during = await chat(ingress.url, CHAT_REQUEST);
  await during.body.dump();
  expect([during.statusCode, during.headers['connection'], stopped]).toEqual([200, 'close', false]);
  expect(await stopping).toEqual({ left: '' });
  await expect(chat(ingress.url, CHAT_REQUEST)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await ingress.events(2)).toHaveLength(2);
});

test('streams in hand end as they would have, and their events are in the log when it is gone', async () => {
  const goOn: (() => void)[] = [];
  await using upstream = await scriptedUpstream((response) => {
    const [first, ...rest] = chatFrames(true);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    goOn.push(() => response.end(rest.join('')));
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { leave_delay_ms: 50 } });
  const answers = await Promise.all(
    Array.from({ length: 5 }, () =>
      request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_STREAM_REQUEST, headers: HEADERS }),
    ),
  );
  let stopped = false;
  const stopping = ingress.stop(20_000).finally(() => (stopped = true));
  // Longer than the delay: the server is closed to newcomers, and these five are still served.
  await waitFor(async () => (await isRefused(ingress.url)) && !stopped, { timeoutMs: 5_000, describe: 'newcomers to be refused' });
  for (const finish of goOn) finish();
  for (const answer of answers) expect(await answer.body.text()).toBe(chatFrames(false).join(''));
  expect(await stopping).toEqual({ left: '' });
  expect(await ingress.events(5)).toHaveLength(5);
});

test('it waits for a log that is away and comes back within the time', async () => {
  await using upstream = await scriptedUpstream(answerAtOnce);
  const log = awayLog();
  await using ingress = await runIngress({ upstreamUrl: upstream.url, wrapLog: log.wrap });
  log.away = true;
  for (let count = 0; count < 7; count += 1) await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  let stopped = false;
  const stopping = ingress.stop(20_000).finally(() => (stopped = true));
  await waitFor(async () => isRefused(ingress.url), { timeoutMs: 5_000, describe: 'the server to be closed' });
  expect(stopped).toBe(false);
  log.away = false;
  expect(await stopping).toEqual({ left: '' });
  expect((await ingress.events(7)).map(({ sequence }) => sequence).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('it leaves within its bound, and says how many events the log does not have', async () => {
  await using upstream = await scriptedUpstream(answerAtOnce);
  const log = awayLog();
  await using ingress = await runIngress({ upstreamUrl: upstream.url, wrapLog: log.wrap });
  log.away = true;
  for (let count = 0; count < 3; count += 1) await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  const beganMs = performance.now();
  expect(await ingress.stop(500)).toEqual({ left: '3 events are not acknowledged by the event log' });
  expect(performance.now() - beganMs).toBeLessThan(2_000);
});

test('a request that does not end is cut off in time for its event to be published', async () => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatFrames(true)[0]);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { drain_timeout_ms: 0 } });
  const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_STREAM_REQUEST, headers: HEADERS });
  const cut = answer.body.text().then(
    () => 'complete',
    () => 'cut off',
  );
  expect(await ingress.stop(1_000)).toEqual({ left: 'requests were cut off' });
  expect(await cut).toBe('cut off');
  expect(await ingress.events(1)).toMatchObject([{ outcome: 'client_aborted' }]);
});

async function isRefused(url: string): Promise<boolean> {
  try {
    await (await request(`${url}/v1/models`)).body.dump();
    return false;
  } catch {
    return true; // no listener any more
  }
}
