// The response cache of keys that have one: what comes from it is the answer that was given before, byte for byte, with an event and without a call.
import { type ControlDocument, keyHasher } from '@tokenledger/control';
import OpenAI from 'openai';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_CLASSES, chatFrames, MESSAGES_REQUEST } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_HASH_SECRET, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const KEY = 'tl-cached-0123456789abcdefghijklmnop';
const OTHER_TENANT = 'tl-cached-elsewhere-0123456789abcdef';

const answers: AnswerScript = (response) =>
  void response
    .writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'up-1', 'x-ratelimit-remaining': '7' })
    .end(CHAT_ANSWER);

let upstream: ScriptedUpstream;
let ingress: RunningIngress;
let events = 0;
beforeAll(async () => {
  upstream = await scriptedUpstream(answers);
  ingress = await runIngress({ upstreamUrl: upstream.url, config: { response_cache_answer_bytes_max: 20_000 } });
  const key = ingress.documents.get('virtual_key', 'test')!;
  const cachedKey = (id: string, secret: string, tenant: string, owner: string): ControlDocument => ({
    ...key,
    id,
    tenant,
    owner,
    response_cache: { ttl_s: 3_600 },
    hashes: [{ hash: keyHasher(TEST_HASH_SECRET).hash(secret), generation: 1, created_at: new Date().toISOString() }],
  });
  await ingress.control.put(
    { kind: 'tenant', id: 'globex', name: 'Globex' },
    { kind: 'owner', id: 'hank', tenant: 'globex', name: 'Hank', team: '', email: '' },
    cachedKey('cached', KEY, 'acme', 'ada'),
    cachedKey('elsewhere', OTHER_TENANT, 'globex', 'hank'),
  );
  // A key that is not known yet leaves no event; a wrong header leaves one.
  await waitFor(async () => (await ask('', { headers: { 'x-tokenledger-feature': '' } })).status === 400, {
    timeoutMs: 5_000,
    describe: 'the keys to be known',
  });
  events += 1;
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
beforeEach(() => {
  upstream.answer = answers;
});

interface Ask {
  readonly key?: string;
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(prompt: string, { key = KEY, stream = false, headers = {} }: Ask = {}) {
  const answer = await request(`${ingress.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-4o-mini', ...(stream ? { stream } : {}), messages: [{ role: 'user', content: prompt }] }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}
const isHit = ({ headers }: Awaited<ReturnType<typeof ask>>): boolean => headers['x-tokenledger-cache'] === 'hit';
async function cacheGauge(name: string): Promise<number> {
  const text = await ingress.registry.metrics();
  return Number(new RegExp(`^tokenledger_ingress_response_cache_${name} (\\d+)$`, 'm').exec(text)?.[1]);
}
const lastEvent = async (more: number) => (await ingress.events((events += more))).at(-1);

test('the same request again is answered from memory, with an event of what it did not take', async () => {
  const calls = upstream.seen.length;
  const first = await ask('again');
  const second = await ask('again', { headers: { 'user-agent': 'another client' } });
  expect(upstream.seen.length - calls).toBe(1);
  expect([isHit(first), isHit(second)]).toEqual([false, true]);
  expect(second).toMatchObject({ status: 200, text: CHAT_ANSWER, headers: { 'content-type': 'application/json' } });
  // These were of the first answer alone.
  expect(Object.keys(second.headers)).not.toEqual(expect.arrayContaining(['x-request-id']));
  expect(second.headers['x-ratelimit-remaining']).toBeUndefined();
  expect(await lastEvent(2)).toMatchObject({
    eventId: second.headers['x-tokenledger-request-id'],
    outcome: 'cache_hit',
    httpStatus: 200,
    routeType: 'cache',
    routeReason: 'same_request',
    attempts: [],
    avoidedUsage: CHAT_CLASSES,
    servedModel: 'gpt-4o-mini-2024-07-18',
    provider: 'openai',
    channelId: 'openai',
    region: 'eu',
    serviceTier: 'default',
    finishReason: 'stop',
    responseBytes: Buffer.byteLength(CHAT_ANSWER),
    upstreamRequestId: '',
  });
});

test('a stream comes again as the stream that it was, without the usage that was asked for on the way', async () => {
  upstream.answer = (response, { body }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const frame of chatFrames(body.includes('include_usage'))) response.write(frame);
    response.end();
  };
  const first = await ask('stream', { stream: true });
  const second = await ask('stream', { stream: true });
  expect(first.text).toBe(chatFrames(false).join(''));
  expect([isHit(first), isHit(second), second.text]).toEqual([false, true, first.text]);
  expect(second.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(second.headers['content-length']).toBeUndefined();
  expect(await lastEvent(2)).toMatchObject({ outcome: 'cache_hit', streamed: true, avoidedUsage: CHAT_CLASSES });
});

test('another tenant, and a key without a cache, get nothing of it', async () => {
  const calls = upstream.seen.length;
  expect(isHit(await ask('mine'))).toBe(false);
  expect(isHit(await ask('mine', { key: OTHER_TENANT }))).toBe(false);
  expect(isHit(await ask('mine', { key: TEST_KEY }))).toBe(false);
  expect(isHit(await ask('mine', { key: TEST_KEY }))).toBe(false);
  expect(upstream.seen.length - calls).toBe(4);
  expect(isHit(await ask('mine', { key: OTHER_TENANT }))).toBe(true);
  expect(await lastEvent(5)).toMatchObject({ outcome: 'cache_hit', attribution: { tenantId: 'globex' } });
});

test('what a client or the provider wants nowhere stored is not', async () => {
  const noStore = { headers: { 'Cache-Control': 'no-store' } };
  await ask('secret', noStore);
  expect(isHit(await ask('secret', noStore))).toBe(false);
  expect(isHit(await ask('secret'))).toBe(false);
  expect(isHit(await ask('secret', noStore))).toBe(false);
  upstream.answer = (response) =>
    void response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'private, no-store' }).end(CHAT_ANSWER);
  await ask('provider');
  expect(isHit(await ask('provider'))).toBe(false);
  events += 6;
});

test('a client that wants a new answer has it, and later ones get that', async () => {
  await ask('new');
  const newer = CHAT_ANSWER.replace('Hello', 'Goodbye');
  upstream.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(newer);
  expect(await ask('new', { headers: { 'cache-control': 'no-cache' } })).toMatchObject({ text: newer });
  expect(await ask('new')).toMatchObject({ text: newer, headers: { 'x-tokenledger-cache': 'hit' } });
  events += 3;
});

test.each<[string, AnswerScript]>([
  ['an error', (response) => void response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":{"type":"rate_limit"}}')],
  [
    'an answer without usage',
    (response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ ...JSON.parse(CHAT_ANSWER), usage: undefined })),
  ],
  [
    'an answer over the bound',
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER + ' '.repeat(20_000)),
  ],
])('%s does not come again', async (what, script) => {
  upstream.answer = script;
  const calls = upstream.seen.length;
  await ask(what);
  expect(isHit(await ask(what))).toBe(false);
  expect(upstream.seen.length - calls).toBe(2);
  events += 2;
});

test('an answer that broke off does not come again, and its memory is given back', async () => {
  upstream.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatFrames(true)[0], () => response.destroy());
  };
  await expect(ask('broken', { stream: true })).rejects.toThrow(/terminated|aborted|other side closed|socket/i);
  upstream.answer = answers;
  expect(isHit(await ask('broken', { stream: true }))).toBe(false);
  events += 2;
  const entries = await cacheGauge('entries');
  expect(entries).toBeGreaterThan(4);
  // Answers of some hundred bytes, and a kilobyte for each.
  expect(await cacheGauge('bytes')).toBeLessThan(entries * 2_500);
});

test('a client that leaves in the middle leaves nothing in the cache, whatever comes after it', async () => {
  const before = await cacheGauge('bytes');
  let finish: (() => void) | undefined;
  upstream.answer = (response) => {
    const [first = '', ...rest] = chatFrames(true);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    finish = () => void response.end(rest.join(''));
  };
  const leaving = new AbortController();
  const answer = await request(`${ingress.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'leaving' }] }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    signal: leaving.signal,
  });
  await new Promise((resolve) => answer.body.once('data', resolve));
  expect(await cacheGauge('bytes')).toBeGreaterThan(before);
  answer.body.once('error', () => undefined);
  leaving.abort();
  await waitFor(async () => (await cacheGauge('bytes')) === before, { timeoutMs: 5_000, describe: 'its bytes to be given back' });
  finish?.();
  upstream.answer = answers;
  expect(isHit(await ask('leaving', { stream: true }))).toBe(false);
  expect((await ingress.events((events += 2))).at(-2)).toMatchObject({ outcome: 'client_aborted' });
});

test("OpenAI's own client reads what comes again as it read it first, whole or event by event", async () => {
  upstream.answer = (response, { body }) => {
    const isStream = body.includes('"stream":true');
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
    response.end(isStream ? chatFrames(body.includes('include_usage')).join('') : CHAT_ANSWER);
  };
  const client = new OpenAI({ apiKey: KEY, baseURL: `${ingress.url}/v1`, maxRetries: 0 });
  const asked = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'by the client' }] };
  const whole = [await client.chat.completions.create(asked), await client.chat.completions.create(asked)];
  expect(whole[1]?.choices[0]?.message.content).toBe(whole[0]?.choices[0]?.message.content);
  const streamed: string[] = [];
  for (let times = 0; times < 2; times++) {
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) text += JSON.stringify(chunk);
    streamed.push(text);
  }
  expect(streamed[1]).toBe(streamed[0]);
  const all = await ingress.events((events += 4));
  expect(all.slice(-4).map(({ outcome }) => outcome)).toEqual(['ok', 'cache_hit', 'ok', 'cache_hit']);
});

test('an encoded answer comes again to those who asked for it so', async () => {
  const send = (encoding: string) =>
    request(`${ingress.url}/v1/messages`, {
      method: 'POST',
      body: MESSAGES_REQUEST,
      headers: { 'content-type': 'application/json', 'x-api-key': KEY, 'accept-encoding': encoding },
    });
  const { gzipSync } = await import('node:zlib');
  const message = JSON.stringify({
    id: 'msg_1',
    type: 'message',
    model: 'claude-haiku-4-5',
    content: [{ type: 'text', text: 'Hello' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 10, output_tokens: 2 },
  });
  upstream.answer = (response, { headers }) => {
    const isCoded = headers['accept-encoding'] === 'gzip';
    response.writeHead(200, { 'content-type': 'application/json', ...(isCoded ? { 'content-encoding': 'gzip' } : {}) });
    response.end(isCoded ? gzipSync(message) : message);
  };
  for (const encoding of ['gzip', 'gzip', 'identity', 'identity']) {
    const answer = await send(encoding);
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    expect(answer.headers['content-encoding']).toBe(encoding === 'gzip' ? 'gzip' : undefined);
    expect(bytes).toEqual(encoding === 'gzip' ? gzipSync(message) : Buffer.from(message));
  }
  const all = await ingress.events((events += 4));
  expect(all.slice(-4).map(({ outcome }) => outcome)).toEqual(['ok', 'cache_hit', 'ok', 'cache_hit']);
});

test('a route gives a cache to requests that it takes: what another channel served comes again without any call', async () => {
  await using broken = await scriptedUpstream((response) => void response.writeHead(500).end());
  await using serving = await scriptedUpstream(answers);
  await using routed = await runIngress({
    upstreamUrl: broken.url,
    channels: [{ id: 'spare', provider: 'openai', base_url: serving.url }],
    routes: [
      {
        id: 'chat',
        models: ['alias'],
        channels: [{ channel: 'openai' }, { channel: 'spare', model: 'gpt-4o-mini' }],
        retries: 0,
        response_cache: { ttl_s: 60 },
      },
    ],
  });
  const send = async (model: string) => {
    const answer = await request(`${routed.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model, messages: [] }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    });
    return { text: await answer.body.text(), hit: answer.headers['x-tokenledger-cache'] };
  };
  expect(await send('alias')).toEqual({ text: CHAT_ANSWER, hit: undefined });
  expect(await send('alias')).toEqual({ text: CHAT_ANSWER, hit: 'hit' });
  expect((await send('other')).hit).toBeUndefined();
  expect([broken.seen.length, serving.seen.length]).toEqual([2, 1]);
  const [, hit] = await routed.events(3);
  expect(hit).toMatchObject({
    outcome: 'cache_hit',
    channelId: 'spare',
    attempts: [],
    requestedModel: 'alias',
    servedModel: 'gpt-4o-mini-2024-07-18',
  });
  // What was answered before the route changed does not come again.
  const route = routed.documents.get('route', 'chat')!;
  await routed.control.put({ ...route, channels: route.channels.toReversed() });
  await waitFor(async () => (await send('alias')).hit === undefined, { timeoutMs: 5_000, describe: 'the changed route' });
});
