import { connect } from 'node:net';
import { once } from 'node:events';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { type OtlpReceiver, otlpReceiver, type OtlpSpan } from '../../support/otlp-receiver.ts';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY, UPSTREAM_CREDENTIAL } from '../../support/running-ingress.ts';
import { runTracedIngress } from '../../support/running-tracing.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const NS_PER_MS = 1_000_000n;

const whole: AnswerScript = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_7' });
  response.end(CHAT_ANSWER);
};

const chat = async (url: string, body: string, headers: Record<string, string> = {}) => {
  const answer = await request(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}`, ...headers },
  });
  return { status: answer.statusCode, text: await answer.body.text() };
};

async function received(receiver: OtlpReceiver, count: number): Promise<readonly OtlpSpan[]> {
  await waitFor(() => receiver.spans.length >= count, {
    timeoutMs: 5000,
    describe: () => `${count} spans; there are ${receiver.spans.length}`,
  });
  expect(receiver.spans).toHaveLength(count);
  return receiver.spans;
}

test('a request is a trace that goes on from its client to the provider, and its row names it', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({
    upstreamUrl: upstream.url,
    tracingConfig: { endpoint: receiver.url, headers: { 'x-receiver-token': 'env:RECEIVER' }, service_name: 'proxy' },
  });
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=1', 'x-tokenledger-conversation': 'c-1' };
  expect(await chat(ingress.url, CHAT_REQUEST, headers)).toEqual({ status: 200, text: CHAT_ANSWER });
  const [outer, attempt] = await received(receiver, 2);
  const [event] = await ingress.events(1);

  expect(event?.traceId).toBe(TRACE);
  expect(outer).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, kind: 'server', name: 'POST /v1/chat/completions', failed: false });
  expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: outer?.spanId, kind: 'client', name: 'chat gpt-4o-mini', failed: false });
  const sent = upstream.seen[0]?.headers;
  expect(sent).toMatchObject({ traceparent: `00-${TRACE}-${attempt?.spanId}-01`, tracestate: 'vendor=1' });

  expect(receiver.requests).toMatchObject([
    { path: '/v1/traces', headers: { 'x-receiver-token': 'value of env:RECEIVER', 'content-type': 'application/x-protobuf' } },
  ]);
  expect(outer?.resource).toMatchObject({ 'service.name': 'proxy', 'service.version': '1.2.3' });
  expect(outer?.startNs).toBe(BigInt(event?.occurredAtMs ?? 0) * NS_PER_MS);
  expect(outer?.endNs).toBe(BigInt(event?.completedAtMs ?? 0) * NS_PER_MS);
  expect(outer?.attributes).toMatchObject({
    'http.response.status_code': 200,
    'tokenledger.tenant_id': 'acme',
    'tokenledger.outcome': 'ok',
  });
  expect(attempt?.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o-mini',
    'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.conversation.id': 'c-1',
    'gen_ai.usage.input_tokens': 20,
    'gen_ai.usage.output_tokens': 9,
    'gen_ai.usage.cache_read.input_tokens': 4,
    'gen_ai.usage.reasoning.output_tokens': 3,
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(upstream.url).port),
    'tokenledger.upstream_request_id': 'req_7',
  });
  await waitFor(async () => (await ingress.metric('tokenledger_tracing_spans_exported_total')) === 2, {
    timeoutMs: 5000,
    describe: 'two spans counted',
  });
});

test('a client without a trace gets one, and the provider is told of it', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({ upstreamUrl: upstream.url, tracingConfig: { endpoint: `${receiver.url}/` } });
  await chat(ingress.url, CHAT_REQUEST);
  const [outer, attempt] = await received(receiver, 2);
  const [event] = await ingress.events(1);
  expect(outer?.parentSpanId).toBe('');
  expect(outer?.traceId).toBe(event?.traceId);
  expect(outer?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(upstream.seen[0]?.headers['traceparent']).toBe(`00-${outer?.traceId}-${attempt?.spanId}-03`);
});

test('whether a trace is exported is for its client to say, and else for the ratio; the row and the provider know it either way', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({ upstreamUrl: upstream.url, tracingConfig: { endpoint: receiver.url, sample_ratio: 0 } });
  await chat(ingress.url, CHAT_REQUEST);
  await chat(ingress.url, CHAT_REQUEST, { traceparent: `00-${TRACE}-${PARENT}-00` });
  await chat(ingress.url, CHAT_REQUEST, { traceparent: `00-${TRACE}-${PARENT}-01` });
  const spans = await received(receiver, 2);
  expect(spans.map((span) => span.traceId)).toEqual([TRACE, TRACE]);
  const events = await ingress.events(3);
  const sent = upstream.seen.map((seen) => String(seen.headers['traceparent']));
  expect(sent.map((header) => header.slice(3, 35))).toEqual(events.map((event) => event.traceId));
  expect(sent.map((header) => header.slice(-2))).toEqual(['02', '00', '01']);
});

test('a provider that cannot be reached is a failed attempt below a failed request', async () => {
  await using receiver = await otlpReceiver();
  const upstreamUrl = `http://127.0.0.1:${await freePort()}`;
  await using ingress = await runTracedIngress({ upstreamUrl, tracingConfig: { endpoint: receiver.url } });
  expect((await chat(ingress.url, CHAT_REQUEST)).status).toBe(502);
  const [outer, attempt] = await received(receiver, 2);
  expect(outer).toMatchObject({ failed: true, attributes: { 'http.response.status_code': 502, 'error.type': 'econnrefused' } });
  expect(attempt).toMatchObject({
    failed: true,
    attributes: { 'error.type': 'econnrefused', 'tokenledger.usage_reason': 'upstream_error' },
  });
  expect(Object.keys(attempt?.attributes ?? {}).filter((name) => name.startsWith('gen_ai.usage'))).toEqual([]);
});

test('an error of the provider is a failed attempt, though the request was served as it should be', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(429, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { type: 'rate_limit_error', message: 'the words of the provider' } }));
  });
  await using ingress = await runTracedIngress({ upstreamUrl: upstream.url, tracingConfig: { endpoint: receiver.url } });
  await chat(ingress.url, CHAT_REQUEST);
  const [outer, attempt] = await received(receiver, 2);
  expect([outer?.failed, attempt?.failed]).toEqual([false, true]);
  expect(attempt?.attributes).toMatchObject({ 'http.response.status_code': 429, 'error.type': 'rate_limit_error' });
  expect(JSON.stringify(receiver.spans, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain('words');
});

test('a stream that its client left is a trace with what the provider reported', async () => {
  await using receiver = await otlpReceiver();
  const gone = Promise.withResolvers<void>();
  await using upstream = await scriptedUpstream(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const [first, ...others] = chatFrames(true);
    response.write(first);
    await gone.promise;
    response.end(others.join(''));
  });
  await using ingress = await runTracedIngress({ upstreamUrl: upstream.url, tracingConfig: { endpoint: receiver.url } });
  const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const lines = [
    'POST /v1/chat/completions HTTP/1.1',
    'host: x',
    `authorization: Bearer ${TEST_KEY}`,
    `content-length: ${CHAT_STREAM_REQUEST.length}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${CHAT_STREAM_REQUEST}`);
  await once(socket, 'data');
  socket.destroy();
  const draining = async (): Promise<boolean> => (await ingress.registry.metrics()).includes('tokenledger_ingress_draining 1');
  await waitFor(draining, { timeoutMs: 5000, describe: 'the ingress to see that the client left' });
  gone.resolve();
  const [outer, attempt] = await received(receiver, 2);
  expect(outer).toMatchObject({ failed: false, attributes: { 'tokenledger.outcome': 'client_aborted' } });
  expect(attempt?.attributes).toMatchObject({
    'gen_ai.request.stream': true,
    'gen_ai.usage.input_tokens': 20,
    'gen_ai.usage.output_tokens': 9,
  });
});

test('a refused request is a trace of one span', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({ upstreamUrl: upstream.url, tracingConfig: { endpoint: receiver.url } });
  expect((await chat(ingress.url, 'no JSON')).status).toBe(400);
  const [span] = await received(receiver, 1);
  expect(span).toMatchObject({ failed: false, attributes: { 'tokenledger.outcome': 'refused_invalid', 'error.type': 'request_invalid' } });
});

test('nothing that is exported holds a word of prompt or answer, or a credential', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({ upstreamUrl: upstream.url, tracingConfig: { endpoint: receiver.url } });
  await chat(ingress.url, JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'a very private question' }] }));
  await received(receiver, 2);
  const text = JSON.stringify(receiver.spans, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of ['private', 'Hello', TEST_KEY, UPSTREAM_CREDENTIAL]) expect(text).not.toContain(secret);
});

test('a receiver that is gone costs spans, which are counted, and no request', async () => {
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({
    upstreamUrl: upstream.url,
    tracingConfig: { endpoint: `http://127.0.0.1:${await freePort()}`, export_timeout_ms: 200 },
  });
  for (let index = 0; index < 20; index++) expect((await chat(ingress.url, CHAT_REQUEST)).status).toBe(200);
  await ingress.events(20);
  const dropped = 'tokenledger_tracing_spans_dropped_total{reason="export_failed"}';
  await waitFor(async () => (await ingress.metric(dropped)) === 40, {
    timeoutMs: 5000,
    describe: '40 spans to be dropped',
  });
});

test('a receiver that is slow fills the queue up to its bound; the rest is dropped and counted, and a stop does not wait for long', async () => {
  await using receiver = await otlpReceiver();
  receiver.answer = () => undefined;
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({
    upstreamUrl: upstream.url,
    tracingConfig: { endpoint: receiver.url, queue_events_max: 4, batch_events_max: 2, batch_delay_ms: 1 },
  });
  await chat(ingress.url, CHAT_REQUEST);
  await waitFor(() => receiver.requests.length === 1, { timeoutMs: 5000, describe: 'the first batch at the receiver' });
  for (let index = 0; index < 7; index++) expect((await chat(ingress.url, CHAT_REQUEST)).status).toBe(200);
  expect(await ingress.metric('tokenledger_tracing_queue_events')).toBe(4);
  expect(await ingress.metric('tokenledger_tracing_spans_dropped_total{reason="queue_full"}')).toBe(6);
  const startedAt = performance.now();
  expect(await ingress.tracing.stop(300)).toEqual({ left: 'the spans of 4 requests were not exported' });
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(await ingress.metric('tokenledger_tracing_spans_dropped_total{reason="stopped"}')).toBe(8);
  expect(receiver.requests).toHaveLength(1);
});

test('spans that wait are sent when it stops', async () => {
  await using receiver = await otlpReceiver();
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runTracedIngress({
    upstreamUrl: upstream.url,
    tracingConfig: { endpoint: receiver.url, batch_delay_ms: 60_000 },
  });
  for (let index = 0; index < 3; index++) await chat(ingress.url, CHAT_REQUEST);
  expect(receiver.spans).toEqual([]);
  expect(await ingress.tracing.stop(5000)).toEqual({ left: '' });
  expect(receiver.spans).toHaveLength(6);
});

test("without tracing a client's trace goes through unchanged, none is begun, and the row names it", async () => {
  await using upstream = await scriptedUpstream(whole);
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const traceparent = `00-${TRACE}-${PARENT}-01`;
  await chat(ingress.url, CHAT_REQUEST, { traceparent });
  await chat(ingress.url, CHAT_REQUEST);
  expect(upstream.seen.map((seen) => seen.headers['traceparent'])).toEqual([traceparent, undefined]);
  expect((await ingress.events(2)).map((event) => event.traceId)).toEqual([TRACE, '']);
});
