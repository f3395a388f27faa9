import { once } from 'node:events';
import { connect } from 'node:net';
import type { ServerResponse } from 'node:http';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { awayLog } from '../../support/away-log.ts';
import { freePort } from '../../support/free-port.ts';
import { CHAT_ANSWER, CHAT_CLASSES, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { heldJournal } from '../../support/test-journal.ts';
import { waitFor } from '../../support/wait-for.ts';

const MIB = 1024 * 1024;
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
const chat = (url: string, body: string) => request(`${url}/v1/chat/completions`, { method: 'POST', body, headers: HEADERS });

/** A streamed request as it stands on the wire. */
function rawRequest(more: Record<string, string>): string {
  const headers = { host: 'x', ...HEADERS, ...more, 'content-length': String(CHAT_STREAM_REQUEST.length) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${CHAT_STREAM_REQUEST}`;
}

/** Sends a streamed request by hand and leaves once `until` was received. */
async function chatThenLeave(url: string, until: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(rawRequest({}));
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  await waitFor(() => received.includes(until), { timeoutMs: 5000, describe: `'${until}' at the client` });
  socket.destroy();
}

test('a provider that cannot be reached is answered 502 and is an event with one attempt', async () => {
  await using ingress = await runIngress({ upstreamUrl: `http://127.0.0.1:${await freePort()}` });
  const answer = await chat(ingress.url, CHAT_REQUEST);
  expect(answer.statusCode).toBe(502);
  expect(await answer.body.json()).toMatchObject({ error: { code: 'UPSTREAM_UNREACHABLE' } });
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'upstream_error', httpStatus: 502, errorClass: 'econnrefused' });
  expect(event?.attempts).toMatchObject([{ channelId: 'openai', httpStatus: null, usage: null, usageReason: 'upstream_error' }]);
});

test('a provider that does not begin to answer is given up after the limit, with 504', async () => {
  await using upstream = await scriptedUpstream(() => undefined);
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { upstream_headers_timeout_ms: 300 } });
  const answer = await chat(ingress.url, CHAT_REQUEST);
  expect(answer.statusCode).toBe(504);
  expect(await answer.body.json()).toMatchObject({ error: { code: 'UPSTREAM_TIMED_OUT' } });
  expect((await ingress.events(1))[0]).toMatchObject({ outcome: 'timed_out', httpStatus: 504 });
});

test('a stream that is cut off reaches the client as cut off, never as complete', async () => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatFrames(true).slice(0, 2).join(''), () => response.destroy());
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_STREAM_REQUEST);
  await expect(answer.body.text()).rejects.toThrow(/terminated|closed|aborted/);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'upstream_error', httpStatus: 200 });
  expect(event?.attempts[0]).toMatchObject({ usage: null, usageReason: 'cut_off' });
});

test('a stream that stalls is ended after the longest silence', async () => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatFrames(true)[0]);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { upstream_idle_timeout_ms: 300 } });
  const answer = await chat(ingress.url, CHAT_STREAM_REQUEST);
  await expect(answer.body.text()).rejects.toThrow(/terminated|closed|aborted/);
  expect((await ingress.events(1))[0]).toMatchObject({ outcome: 'timed_out' });
});

test('a client that leaves does not end the reading: the usage that the provider reports is recorded', async () => {
  let goOn: (() => void) | undefined;
  await using upstream = await scriptedUpstream((response) => {
    const [first, ...rest] = chatFrames(true);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    goOn = () => response.end(rest.join(''));
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await chatThenLeave(ingress.url, 'assistant');
  await waitFor(async () => (await ingress.registry.metrics()).includes('ingress_draining 1'), {
    timeoutMs: 5000,
    describe: 'the ingress to see that the client left',
  });
  goOn?.();
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'client_aborted' });
  expect(event?.attempts[0]).toMatchObject({ usage: CHAT_CLASSES, usageSource: 'reported' });
});

test.each([
  ['time', { drain_timeout_ms: 100 }, (_response: ServerResponse): void => undefined],
  ['bytes', { drain_bytes_max: 100 }, (response: ServerResponse): void => void response.write(`: ${'x'.repeat(200)}\n\n`)],
])('reading on after the client left has a limit of %s', async (_what, config, goOn) => {
  let atProvider: ServerResponse | undefined;
  await using upstream = await scriptedUpstream((response) => {
    atProvider = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatFrames(true)[0]);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config });
  await chatThenLeave(ingress.url, 'assistant');
  await waitFor(async () => (await ingress.registry.metrics()).includes('ingress_draining 1'), {
    timeoutMs: 5000,
    describe: 'the ingress to see that the client left',
  });
  const ended = once(atProvider as ServerResponse, 'close');
  goOn(atProvider as ServerResponse);
  const [event] = await ingress.events(1);
  await ended;
  expect(event).toMatchObject({ outcome: 'client_aborted' });
  const input = Math.ceil(CHAT_STREAM_REQUEST.length / 4);
  expect(event?.attempts[0]).toMatchObject({
    usage: { uncached_input: input, visible_output: null },
    usageSource: 'estimated',
    usageBasis: 'request_bytes',
    usageReason: '',
  });
});

test('a client that takes nothing holds the provider back, and is dropped after a while', async () => {
  const chunk = `: ${'x'.repeat(65_536)}\n\n`;
  let sent = 0;
  let heldBack = false;
  await using upstream = await scriptedUpstream(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    while (sent < 64 * MIB && !heldBack && !response.destroyed) {
      sent += chunk.length;
      if (response.write(chunk)) continue;
      heldBack = await Promise.race([once(response, 'drain').then(() => false), once(response, 'close').then(() => true)]);
    }
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { answer_stall_timeout_ms: 1000, drain_bytes_max: 0 } });
  const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.write(rawRequest({}));
  const [event] = await ingress.events(1);
  socket.destroy();
  expect(event).toMatchObject({ outcome: 'client_aborted' });
  expect(sent).toBeLessThan(32 * MIB);
});

test('the client gets no byte before the opening record is safe, and no end before the closing record is', async () => {
  let goOn: (() => void) | undefined;
  await using upstream = await scriptedUpstream((response) => {
    const [first, ...rest] = chatFrames(true);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    goOn = () => response.end(rest.join(''));
  });
  const { journal, waiting, sync } = await heldJournal();
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal });
  const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  let ended = false;
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.on('end', () => (ended = true));
  socket.write(rawRequest({ connection: 'close' }));
  await waitFor(() => waiting() === 1, { timeoutMs: 5000, describe: 'the opening record to wait' });
  expect(received).toBe('');
  sync();
  await waitFor(() => received.includes('assistant'), { timeoutMs: 5000, describe: 'the first frame at the client' });
  goOn?.();
  await waitFor(() => waiting() === 1, { timeoutMs: 5000, describe: 'the closing record to wait' });
  expect([received.includes('[DONE]'), ended]).toEqual([false, false]);
  sync();
  await waitFor(() => received.includes('[DONE]') && ended, { timeoutMs: 5000, describe: 'the end at the client' });
});

test('while the event log is away requests are served, the state says so, and every event arrives later once', async () => {
  await using upstream = await scriptedUpstream(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER),
  );
  const log = awayLog();
  log.away = true;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, wrapLog: log.wrap });
  for (let count = 0; count < 10; count++) {
    const answer = await chat(ingress.url, CHAT_REQUEST);
    expect(answer.statusCode).toBe(200);
    await answer.body.dump();
  }
  await waitFor(() => ingress.state().status === 'degraded', { timeoutMs: 5000, describe: 'the ingress to say that it is degraded' });
  log.away = false;
  const events = await ingress.events(10);
  expect(events.map((event) => event.sequence).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await waitFor(() => ingress.state().status === 'ready', { timeoutMs: 5000, describe: 'the ingress to be ready' });
});

test('a stop lets a stream in hand end and publishes its event', async () => {
  let goOn: (() => void) | undefined;
  await using upstream = await scriptedUpstream((response) => {
    const [first, ...rest] = chatFrames(true);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    goOn = () => response.end(rest.join(''));
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_STREAM_REQUEST);
  const stopped = ingress.stop();
  goOn?.();
  expect(await answer.body.text()).toBe(chatFrames(false).join(''));
  expect(await stopped).toEqual({ left: '' });
  expect(await ingress.events(1)).toHaveLength(1);
});
