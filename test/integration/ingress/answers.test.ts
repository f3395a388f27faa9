import { connect } from 'node:net';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { request } from 'undici';
import { expect, test } from 'vitest';
import {
  CHAT_ANSWER,
  CHAT_CLASSES,
  CHAT_REQUEST,
  CHAT_STREAM_REQUEST,
  chatFrames,
  MESSAGES_ANSWER,
  MESSAGES_REQUEST,
} from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY, UPSTREAM_CREDENTIAL } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';

const json =
  (body: string | Buffer, headers: Record<string, string> = {}): AnswerScript =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

const sse =
  (frames: readonly string[], headers: Record<string, string> = {}): AnswerScript =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    for (const frame of frames) response.write(frame);
    response.end();
  };

const chat = (url: string, body: string, headers: Record<string, string> = {}) =>
  request(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}`, ...headers },
  });

test('an answer comes back byte for byte, and its event tells whose it was and what it used', async () => {
  await using upstream = await scriptedUpstream(
    json(CHAT_ANSWER, { 'x-request-id': 'req_7', 'x-ratelimit-remaining-tokens': '99', 'set-cookie': 'a=b' }),
  );
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_REQUEST, {
    'x-tokenledger-project': 'chat',
    'x-tokenledger-feature': 'search',
    'x-tokenledger-environment': 'ignored: the key fixes it',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  });
  expect(await answer.body.text()).toBe(CHAT_ANSWER);
  expect(answer.headers).toMatchObject({ 'x-request-id': 'req_7', 'x-ratelimit-remaining-tokens': '99' });
  expect(answer.headers['set-cookie']).toBeUndefined();
  const [event] = await ingress.events(1);
  expect(answer.headers['x-tokenledger-request-id']).toBe(event?.eventId);
  expect(event).toMatchObject({
    sequence: 1,
    kind: 'usage',
    attribution: {
      tenantId: 'acme',
      projectId: 'chat',
      ownerId: 'ada',
      team: 'search',
      virtualKeyId: 'test',
      feature: 'search',
      environment: 'production',
    },
    surface: 'openai.chat',
    requestedModel: 'gpt-4o-mini',
    servedModel: 'gpt-4o-mini-2024-07-18',
    provider: 'openai',
    channelId: 'openai',
    region: 'eu',
    routeType: 'direct',
    outcome: 'ok',
    httpStatus: 200,
    finishReason: 'stop',
    upstreamRequestId: 'req_7',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    requestBytes: CHAT_REQUEST.length,
    responseBytes: CHAT_ANSWER.length,
    streamed: false,
  });
  expect(event?.attempts).toHaveLength(1);
  expect(event?.attempts[0]).toMatchObject({ usage: CHAT_CLASSES, usageSource: 'reported', usageReason: '', httpStatus: 200 });
  const [seen] = upstream.seen;
  expect(seen?.body.toString()).toBe(CHAT_REQUEST);
  expect(seen?.headers.authorization).toBe(`Bearer ${UPSTREAM_CREDENTIAL}`);
  expect(seen?.headers['x-request-id']).toBe(event?.attempts[0]?.attemptId);
  expect(seen?.headers.traceparent).toBe('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  expect(Object.keys(seen?.headers ?? {}).filter((name) => name.startsWith('x-tokenledger'))).toEqual([]);
  expect(JSON.stringify(seen?.headers)).not.toContain(TEST_KEY);
});

test("Anthropic's surface takes x-api-key and the query, and sends its own credential", async () => {
  await using upstream = await scriptedUpstream(json(MESSAGES_ANSWER, { 'request-id': 'req_a' }));
  await using ingress = await runIngress({ upstreamUrl: `${upstream.url}/base/` });
  const answer = await request(`${ingress.url}/v1/messages?beta=true`, {
    method: 'POST',
    body: MESSAGES_REQUEST,
    headers: { 'content-type': 'application/json', 'x-api-key': TEST_KEY, 'anthropic-version': '2023-06-01' },
  });
  expect(await answer.body.text()).toBe(MESSAGES_ANSWER);
  expect(upstream.seen[0]?.url).toBe('/base/v1/messages?beta=true');
  expect(upstream.seen[0]?.headers).toMatchObject({ 'x-api-key': UPSTREAM_CREDENTIAL, 'anthropic-version': '2023-06-01' });
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({
    surface: 'anthropic.messages',
    upstreamRequestId: 'req_a',
    servedModel: 'claude-sonnet-4-5-20250929',
    serviceTier: 'standard',
  });
  expect(event?.attempts[0]?.usage).toMatchObject({ uncached_input: 10, cache_read: 5, visible_output: 7 });
});

test.each([
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
])('a %s answer passes as it is and is read beside', async (coding, compress) => {
  const encoded = compress(CHAT_ANSWER);
  await using upstream = await scriptedUpstream(json(encoded, { 'content-encoding': coding }));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_REQUEST, { 'accept-encoding': coding });
  expect(answer.headers['content-encoding']).toBe(coding);
  expect(Buffer.from(await answer.body.arrayBuffer()).equals(encoded)).toBe(true);
  const [event] = await ingress.events(1);
  expect(event?.attempts[0]?.usage).toMatchObject(CHAT_CLASSES);
});

test('an answer that claims an encoding it does not have passes, and its usage is unknown with the reason', async () => {
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER, { 'content-encoding': 'gzip' }));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_REQUEST);
  expect(await answer.body.text()).toBe(CHAT_ANSWER);
  const [event] = await ingress.events(1);
  expect(event?.attempts[0]).toMatchObject({ usage: null, usageReason: 'undecodable_answer' });
});

test('an encoded answer that decodes to more than is read passes whole, and its usage is unknown with the reason', async () => {
  const MIB = 1024 * 1024;
  const encoded = gzipSync(CHAT_ANSWER.replace('Hello', 'a'.repeat(8 * MIB)));
  await using upstream = await scriptedUpstream(json(encoded, { 'content-encoding': 'gzip' }));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { answer_read_bytes_max: MIB } });
  const answer = await chat(ingress.url, CHAT_REQUEST);
  expect(Buffer.from(await answer.body.arrayBuffer()).equals(encoded)).toBe(true);
  expect((await ingress.events(1))[0]?.attempts[0]).toMatchObject({ usage: null, usageReason: 'answer_too_large' });
});

test('a stream whose client did not ask for usage is asked for it upstream, and the client sees none of it', async () => {
  await using upstream = await scriptedUpstream(sse(chatFrames(true)));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_STREAM_REQUEST);
  expect(await answer.body.text()).toBe(chatFrames(false).join(''));
  expect(JSON.parse(upstream.seen[0]?.body.toString() ?? '')).toEqual({
    ...JSON.parse(CHAT_STREAM_REQUEST),
    stream_options: { include_usage: true },
  });
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ streamed: true, outcome: 'ok', finishReason: 'stop' });
  expect(event?.attempts[0]?.usage).toMatchObject(CHAT_CLASSES);
  expect(event?.timeToFirstTokenMs).not.toBeNull();
});

test('a stream that comes encoded although it was asked for plain is decoded, so that the added usage can be taken out', async () => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    response.end(gzipSync(chatFrames(true).join('')));
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_STREAM_REQUEST, { 'accept-encoding': 'gzip' });
  expect(upstream.seen[0]?.headers['accept-encoding']).toBe('identity');
  expect(answer.headers['content-encoding']).toBeUndefined();
  expect(await answer.body.text()).toBe(chatFrames(false).join(''));
  expect((await ingress.events(1))[0]?.attempts[0]?.usage).toMatchObject(CHAT_CLASSES);
});

test('where the channel forbids it nothing is added, and usage that was not reported is unknown', async () => {
  await using upstream = await scriptedUpstream(sse(chatFrames(false)));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, injectUsage: false });
  const answer = await chat(ingress.url, CHAT_STREAM_REQUEST);
  expect(await answer.body.text()).toBe(chatFrames(false).join(''));
  expect(upstream.seen[0]?.body.toString()).toBe(CHAT_STREAM_REQUEST);
  expect((await ingress.events(1))[0]?.attempts[0]).toMatchObject({ usage: null, usageReason: 'not_reported', usageSource: 'none' });
});

test("the provider's own error passes through and is an event", async () => {
  const body = JSON.stringify({ error: { message: 'Rate limit reached', type: 'requests', param: null, code: 'rate_limit_exceeded' } });
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3' });
    response.end(body);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await chat(ingress.url, CHAT_REQUEST);
  expect([answer.statusCode, answer.headers['retry-after'], await answer.body.text()]).toEqual([429, '3', body]);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'upstream_error', httpStatus: 429 });
  expect(event?.errorClass).not.toBe('');
  expect(event?.attempts[0]).toMatchObject({ usage: null, usageReason: 'upstream_error', httpStatus: 429 });
});

test('whatever host a request line names, only the configured provider is asked, for the path of the surface', async () => {
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const { hostname, port } = new URL(ingress.url);
  const socket = connect(Number(port), hostname);
  const head = `POST http://elsewhere.example/v1/chat/completions?a=b HTTP/1.1\r\nhost: elsewhere.example\r\nauthorization: Bearer ${TEST_KEY}\r\nconnection: close\r\n`;
  socket.write(`${head}content-type: application/json\r\ncontent-length: ${CHAT_REQUEST.length}\r\n\r\n${CHAT_REQUEST}`);
  let received = '';
  for await (const chunk of socket) received += String(chunk);
  expect(received).toContain('HTTP/1.1 200');
  expect(upstream.seen.map(({ url, headers }) => [url, headers.host])).toEqual([['/v1/chat/completions?a=b', new URL(upstream.url).host]]);
});

test('a list of models passes and leaves no event', async () => {
  await using upstream = await scriptedUpstream(json('{"object":"list","data":[]}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const models = await request(`${ingress.url}/v1/models`, { headers: { authorization: `Bearer ${TEST_KEY}` } });
  expect(await models.body.text()).toBe('{"object":"list","data":[]}');
  expect(upstream.seen[0]?.headers.authorization).toBe(`Bearer ${UPSTREAM_CREDENTIAL}`);
  await (await chat(ingress.url, CHAT_REQUEST)).body.dump();
  const [event] = await ingress.events(1);
  expect(event?.surface).toBe('openai.chat');
  expect(await ingress.registry.metrics()).toContain(
    'tokenledger_ingress_free_calls_total{surface="openai.chat",endpoint="GET /v1/models"} 1',
  );
});

test('no event carries a word of a prompt, an answer or a credential', async () => {
  const secrets = ['a secret prompt', 'a secret answer', TEST_KEY, UPSTREAM_CREDENTIAL];
  await using upstream = await scriptedUpstream(json(CHAT_ANSWER.replace('Hello', 'a secret answer')));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await (await chat(ingress.url, CHAT_REQUEST.replace('Hi', 'a secret prompt'))).body.dump();
  await ingress.events(1);
  const bytes = await ingress.bytes();
  for (const secret of secrets) expect(bytes.includes(secret)).toBe(false);
});
