// What becomes of a request whose route has several channels when one of them fails: who is asked next, and what its event says.
import type { UsageEvent } from '@tokenledger/domain';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { CHAT_ANSWER, CHAT_CLASSES, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, type RunningIngressOptions, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream, type SeenRequest } from '../../support/scripted-upstream.ts';
import { testJournal } from '../../support/test-journal.ts';
import { waitFor } from '../../support/wait-for.ts';

const served: AnswerScript = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(CHAT_ANSWER) });
  response.end(CHAT_ANSWER);
};
const refused =
  (
    status: number,
    headers: Readonly<Record<string, string>> = {},
    body = '{"error":{"type":"overloaded","message":"later"}}',
  ): AnswerScript =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
const brokenBefore: AnswerScript = (response) => void response.destroy();
const silent: AnswerScript = () => undefined;

const USAGE = '{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107}';

/** Two upstreams, `a` before `b` on a route. */
async function twoChannels(a: AnswerScript, b: AnswerScript, options: Partial<RunningIngressOptions> & { readonly route?: object } = {}) {
  const stack = new AsyncDisposableStack();
  const upstreamA = stack.use(await scriptedUpstream(a));
  const upstreamB = stack.use(await scriptedUpstream(b));
  const { route, ...rest } = options;
  const channels = [
    { id: 'a', provider: 'openai', base_url: upstreamA.url },
    { id: 'b', provider: 'openai', base_url: upstreamB.url, region: 'us' },
  ];
  const routes = [{ id: 'chat', channels: [{ channel: 'a' }, { channel: 'b' }], ...route }];
  const ingress: RunningIngress = stack.use(await runIngress({ upstreamUrl: upstreamA.url, channels, routes, ...rest }));
  return { ingress, seenByA: upstreamA.seen, seenByB: upstreamB.seen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const chat = (url: string, body = CHAT_REQUEST, headers: Readonly<Record<string, string>> = {}) =>
  request(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}`, ...headers },
  });

const attemptsOf = (event: UsageEvent | undefined) => event?.attempts.map(({ channelId, httpStatus }) => `${channelId} ${httpStatus}`);

describe('the next channel is asked at once', () => {
  test.each<readonly [string, AnswerScript, object, string]>([
    ['for an answer 429 that says a longer time than is waited for', refused(429, { 'retry-after': '11' }), {}, 'a 429'],
    ['for an answer 500, where a channel is not tried again', refused(500), { retries: 0 }, 'a 500'],
    ['for an answer 503 with an endless body', (response) => void response.writeHead(503).write('x'.repeat(100)), { retries: 0 }, 'a 503'],
    ['for a connection that breaks before the answer', brokenBefore, {}, 'a null'],
    [
      'for a connection that breaks before a byte of the body',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.flushHeaders();
        setImmediate(() => response.destroy());
      },
      {},
      'a 200',
    ],
    ['for no answer in time', silent, { attempt_timeout_ms: 200 }, 'a null'],
  ])('%s', async (_, a, route, first) => {
    await using system = await twoChannels(a, served, { route });
    const answer = await chat(system.ingress.url);
    expect(answer.statusCode).toBe(200);
    expect(await answer.body.text()).toBe(CHAT_ANSWER);
    const [event] = await system.ingress.events(1);
    expect(attemptsOf(event)).toEqual([first, 'b 200']);
    expect(event).toMatchObject({ outcome: 'ok', channelId: 'b', region: 'us', routeType: 'backup', routeReason: 'route/chat/fallback' });
    expect(event?.attempts[1]).toMatchObject({ usage: CHAT_CLASSES, usageSource: 'reported' });
    expect([system.seenByA.length, system.seenByB.length]).toEqual([1, 1]);
  });

  test('for a channel that cannot be reached', async () => {
    await using upstream = await scriptedUpstream(served);
    const channels = [
      { id: 'a', provider: 'openai', base_url: `http://127.0.0.1:${await freePort()}` },
      { id: 'b', provider: 'openai', base_url: upstream.url },
    ];
    await using ingress = await runIngress({
      upstreamUrl: upstream.url,
      channels,
      routes: [{ id: 'chat', channels: [{ channel: 'a' }, { channel: 'b' }] }],
    });
    expect((await chat(ingress.url)).statusCode).toBe(200);
    const [event] = await ingress.events(1);
    expect(attemptsOf(event)).toEqual(['a null', 'b 200']);
    expect(event?.attempts[0]).toMatchObject({ errorClass: 'econnrefused', usage: null, usageReason: 'upstream_error' });
  });
});

test('an attempt that failed and cost something is in the event with its usage, and so is the one that served', async () => {
  const failing = refused(500, {}, `{"error":{"type":"server_error"},"model":"gpt-5-mini-2025-08-07","usage":${USAGE}}`);
  await using system = await twoChannels(failing, served, { route: { retries: 0 } });
  expect((await chat(system.ingress.url)).statusCode).toBe(200);
  const [event] = await system.ingress.events(1);
  expect(event?.attempts).toMatchObject([
    {
      channelId: 'a',
      httpStatus: 500,
      errorClass: 'server_error',
      usage: { uncached_input: 100, visible_output: 7 },
      usageSource: 'reported',
    },
    { channelId: 'b', httpStatus: 200, usage: CHAT_CLASSES },
  ]);
  const ids = event?.attempts.map(({ attemptId }) => attemptId) ?? [];
  const sent = [...system.seenByA, ...system.seenByB].map(({ headers }) => headers['x-request-id']);
  expect(sent).toEqual(ids);
  expect(new Set(ids).size).toBe(2);
});

test('a channel that says when is tried again then, and not before', async () => {
  let asked = 0;
  await using system = await twoChannels(
    (response, seen) => (asked++ === 0 ? refused(429, { 'retry-after': '1' }) : served)(response, seen),
    served,
  );
  const begun = performance.now();
  expect((await chat(system.ingress.url)).statusCode).toBe(200);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(1_000);
  const [event] = await system.ingress.events(1);
  expect(attemptsOf(event)).toEqual(['a 429', 'a 200']);
  expect(event).toMatchObject({ routeType: 'direct', routeReason: 'route/chat/retry' });
});

test('what all channels refuse the client gets from the last, and the attempts are no more than the route allows', async () => {
  await using system = await twoChannels(refused(500), refused(503, { 'x-last': 'yes' }), { route: { attempts_max: 3, retries: 5 } });
  const answer = await chat(system.ingress.url);
  expect(answer.statusCode).toBe(500);
  expect(await answer.body.json()).toMatchObject({ error: { type: 'overloaded' } });
  expect(attemptsOf((await system.ingress.events(1))[0])).toEqual(['a 500', 'a 500', 'a 500']);
  await using other = await twoChannels(refused(500), refused(503, { 'x-last': 'yes' }), { route: { retries: 0 } });
  const last = await chat(other.ingress.url);
  expect([last.statusCode, last.headers['x-last']]).toEqual([503, 'yes']);
  expect((await other.ingress.events(1))[0]).toMatchObject({ outcome: 'upstream_error', httpStatus: 503 });
});

describe('no other channel is asked', () => {
  test.each<readonly [string, AnswerScript, Partial<RunningIngressOptions> & { readonly route?: object }]>([
    ['for an answer 400', refused(400), {}],
    ['for an answer 401', refused(401), {}],
    ['for a body that is too large to be kept', refused(500), { config: { retry_buffer_bytes: 10 } }],
    ['where the route allows one attempt', refused(500), { route: { attempts_max: 1 } }],
    ['once the request has run out of time', refused(500), { route: { attempts_max: 5, deadline_ms: 100, retries: 0 } }],
  ])('%s', async (what, a, options) => {
    const late: AnswerScript = (response, seen) => void setTimeout(() => void a(response, seen), what.includes('time') ? 150 : 0);
    await using system = await twoChannels(late, served, options);
    const answer = await chat(system.ingress.url);
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    const [event] = await system.ingress.events(1);
    expect(event?.attempts).toHaveLength(1);
    expect(system.seenByB).toEqual([]);
  });

  test('once the client has a byte of an answer', async () => {
    await using system = await twoChannels((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatFrames(true)[0], () => response.destroy());
    }, served);
    const answer = await chat(system.ingress.url, CHAT_STREAM_REQUEST);
    await expect(answer.body.text()).rejects.toThrow(/terminated|closed|aborted/);
    expect(attemptsOf((await system.ingress.events(1))[0])).toEqual(['a 200']);
    expect(system.seenByB).toEqual([]);
  });

  test('where the client names its channel', async () => {
    await using system = await twoChannels(refused(500), served);
    const answer = await request(`${system.ingress.url}/channels/a/v1/chat/completions`, {
      method: 'POST',
      body: CHAT_REQUEST,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    });
    expect(answer.statusCode).toBe(500);
    expect((await system.ingress.events(1))[0]).toMatchObject({ routeReason: 'channel_named', routeType: 'direct' });
  });

  test('once the client has left', async () => {
    let failNow: (() => void) | undefined;
    await using system = await twoChannels((response, seen) => {
      failNow = () => void refused(500)(response, seen);
    }, served);
    const leaving = new AbortController();
    const asked = request(`${system.ingress.url}/v1/chat/completions`, {
      method: 'POST',
      body: CHAT_REQUEST,
      signal: leaving.signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    });
    while (failNow === undefined) await new Promise(setImmediate);
    leaving.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await waitFor(async () => (await system.ingress.registry.metrics()).includes('ingress_draining 1'), {
      timeoutMs: 5_000,
      describe: 'the ingress to see that the client left',
    });
    failNow();
    const [event] = await system.ingress.events(1);
    expect(event).toMatchObject({ outcome: 'client_aborted' });
    expect(attemptsOf(event)).toEqual(['a 500']);
    expect(system.seenByB).toEqual([]);
  });
});

test("a client's own time is kept to: no attempt begins after it", async () => {
  await using system = await twoChannels(refused(500, { 'retry-after': '5' }), refused(500, { 'retry-after': '5' }));
  const answer = await chat(system.ingress.url, CHAT_REQUEST, { 'x-tokenledger-timeout-ms': '4000' });
  expect(answer.statusCode).toBe(500);
  expect(attemptsOf((await system.ingress.events(1))[0])).toEqual(['a 500', 'b 500']);
  const wrong = await chat(system.ingress.url, CHAT_REQUEST, { 'x-tokenledger-timeout-ms': 'soon' });
  expect(wrong.statusCode).toBe(400);
});

test('the provider is asked for the model that the route says, and the event keeps the one that was requested', async () => {
  await using system = await twoChannels(refused(500), served, {
    route: { models: ['fast'], retries: 0, channels: [{ channel: 'a' }, { channel: 'b', model: 'gpt-5-mini', cheaper: true }] },
  });
  const body = CHAT_REQUEST.replace(/"model":"[^"]+"/, '"model":"fast"');
  expect((await chat(system.ingress.url, body)).statusCode).toBe(200);
  const modelIn = ({ body: sent }: SeenRequest): unknown => (JSON.parse(sent.toString()) as { model: unknown }).model;
  expect([...system.seenByA.map(modelIn), ...system.seenByB.map(modelIn)]).toEqual(['fast', 'gpt-5-mini']);
  const [event] = await system.ingress.events(1);
  expect(event).toMatchObject({ requestedModel: 'fast', routeType: 'cheaper_pool' });
  expect(event?.attempts.map(({ requestedModel }) => requestedModel)).toEqual(['fast', 'gpt-5-mini']);
});

test('a key that may know is told which channel served', async () => {
  await using system = await twoChannels(brokenBefore, served, { key: { shows_channel: true } });
  const { headers } = await chat(system.ingress.url);
  expect([headers['x-tokenledger-channel'], headers['x-tokenledger-route-type']]).toEqual(['b', 'backup']);
  await using other = await twoChannels(brokenBefore, served);
  expect((await chat(other.ingress.url)).headers).not.toHaveProperty('x-tokenledger-channel');
});

test('a channel that fails in a row is passed over', async () => {
  await using system = await twoChannels(brokenBefore, served, {
    config: { breaker_failures: 2, breaker_open_ms: 60_000 },
  });
  for (let index = 0; index < 4; index++) expect((await chat(system.ingress.url)).statusCode).toBe(200);
  expect(system.seenByA).toHaveLength(2);
  const reasons = (await system.ingress.events(4)).map(({ routeReason, routeType }) => `${routeType} ${routeReason}`);
  expect(reasons).toEqual([
    'backup route/chat/fallback',
    'backup route/chat/fallback',
    'backup route/chat/passed_over',
    'backup route/chat/passed_over',
  ]);
  expect(await system.ingress.registry.metrics()).toContain('tokenledger_ingress_channel_opened_total{channel="a"} 1');
});

test('a channel that was passed over is tried after a while, and taken back once it works', async () => {
  let works = false;
  await using system = await twoChannels((response, seen) => (works ? served : brokenBefore)(response, seen), served, {
    config: { breaker_failures: 1, breaker_open_ms: 20 },
  });
  expect((await chat(system.ingress.url)).statusCode).toBe(200);
  works = true;
  await waitFor(async () => (await chat(system.ingress.url)).statusCode === 200 && system.seenByA.length >= 3, {
    timeoutMs: 10_000,
    describe: 'the channel to be taken back',
  });
});

test('a route bounds the output that is asked for and marks prompts for the cache, and events are of the request as it came', async () => {
  await using system = await twoChannels(brokenBefore, served, { route: { max_tokens: 50, prompt_caching: true } });
  const body = CHAT_STREAM_REQUEST.replace('{', '{"max_tokens":4096,');
  await (await chat(system.ingress.url, body)).body.dump();
  for (const sent of [...system.seenByA, ...system.seenByB]) {
    expect(sent.body.toString()).toContain('"max_tokens":50,');
    expect(sent.body.toString()).toContain('"include_usage":true');
    expect(sent.headers['content-length']).toBe(String(sent.body.length));
  }
  expect((await system.ingress.events(1))[0]).toMatchObject({ requestBytes: body.length });
});

test('a channel has no more requests in hand than it may: then the next one is asked, and where all are full the request is refused and recorded', async () => {
  const held: (() => void)[] = [];
  const slow: AnswerScript = (response, seen) => void held.push(() => void served(response, seen));
  await using system = await twoChannels(slow, slow, { channel: { in_flight_max: 1 } });
  const asked: ReturnType<typeof chat>[] = [];
  for (let index = 1; index <= 2; index++) {
    asked.push(chat(system.ingress.url));
    await waitFor(() => held.length === index, { timeoutMs: 5_000, describe: `request ${index} at its provider` });
  }
  const third = await chat(system.ingress.url);
  expect([third.statusCode, third.headers['retry-after']]).toEqual([503, '1']);
  expect(await third.body.json()).toMatchObject({ error: { code: 'CHANNELS_FULL' } });
  for (const answer of held) answer();
  for (const answer of await Promise.all(asked)) expect(answer.statusCode).toBe(200);
  expect([system.seenByA.length, system.seenByB.length]).toEqual([1, 1]);
  const events = await system.ingress.events(3);
  expect(events.map(({ outcome, channelId }) => `${outcome} ${channelId}`).toSorted()).toEqual(['ok a', 'ok b', 'refused_limit ']);
});

test('an attempt that the journal cannot take is not made: the client is told to come back, and the event has what was tried', async () => {
  const journal = await testJournal();
  journal.progress = () => null;
  await using system = await twoChannels(refused(500), served, { journal, route: { retries: 0 } });
  const answer = await chat(system.ingress.url);
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
  expect(await answer.body.json()).toMatchObject({ error: { code: 'JOURNAL_FULL' } });
  expect(system.seenByB).toEqual([]);
  const [event] = await system.ingress.events(1);
  expect(event).toMatchObject({ outcome: 'upstream_error', httpStatus: 503 });
  expect(attemptsOf(event)).toEqual(['a 500']);
});

test('a request that runs out of time between two attempts is answered 504', async () => {
  await using system = await twoChannels((response) => void response.writeHead(500).write('{'), served, {
    route: { retries: 0, deadline_ms: 900 },
  });
  const answer = await chat(system.ingress.url);
  expect(answer.statusCode).toBe(504);
  expect(await answer.body.json()).toMatchObject({ error: { code: 'UPSTREAM_TIMED_OUT' } });
  expect(system.seenByB).toEqual([]);
  const [event] = await system.ingress.events(1);
  expect(event).toMatchObject({ outcome: 'timed_out', httpStatus: 504, errorClass: 'deadline_passed' });
  expect(attemptsOf(event)).toEqual(['a 500']);
});

test('a client that leaves while its request waits for another attempt has an event with what was tried', async () => {
  await using system = await twoChannels(refused(429, { 'retry-after': '9' }), served);
  const leaving = new AbortController();
  const asked = request(`${system.ingress.url}/v1/chat/completions`, {
    method: 'POST',
    body: CHAT_REQUEST,
    signal: leaving.signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
  });
  await waitFor(() => system.seenByA.length === 1, { timeoutMs: 5_000, describe: 'the request at its provider' });
  leaving.abort();
  await expect(asked).rejects.toThrow(/abort/);
  const [event] = await system.ingress.events(1);
  expect(event).toMatchObject({ outcome: 'client_aborted', httpStatus: null });
  expect(attemptsOf(event)).toEqual(['a 429']);
  expect(system.seenByB).toEqual([]);
});

test('a channel that may have one request in hand is tried again with it', async () => {
  let asked = 0;
  const first: AnswerScript = (response, seen) => (asked++ === 0 ? refused(429, { 'retry-after': '0' }) : served)(response, seen);
  await using system = await twoChannels(first, served, { channel: { in_flight_max: 1 } });
  expect((await chat(system.ingress.url)).statusCode).toBe(200);
  expect((await chat(system.ingress.url)).statusCode).toBe(200);
  expect((await system.ingress.events(2)).map(attemptsOf)).toEqual([['a 429', 'a 200'], ['a 200']]);
});
