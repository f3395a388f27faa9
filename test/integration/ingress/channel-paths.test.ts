import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { Client, request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_CLASSES, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_KEY, UPSTREAM_CREDENTIAL } from '../../support/running-ingress.ts';
import { type AnswerScript, type ScriptedUpstream, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const answered =
  (body: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }, status = 200): AnswerScript =>
  (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

const KEY = { authorization: `Bearer ${TEST_KEY}` };
const JSON_KEY = { ...KEY, 'content-type': 'application/json' };

interface Asked {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

const ask = (ingress: RunningIngress, path: string, { method = 'GET', headers = KEY, body }: Asked = {}) =>
  request(ingress.url + path, { method, headers, body: body ?? null });

const disposable = (client: Client) => Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });

const sent = (upstream: ScriptedUpstream) => upstream.seen.map(({ method, url }) => `${method} ${url}`);

test('below a named channel the base URL of the channel is put before the path, and its end tells the surface', async () => {
  await using upstream = await scriptedUpstream(answered(CHAT_ANSWER));
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    channels: [{ id: 'zai', provider: 'zai', base_url: `${upstream.url}/api` }],
  });
  const answer = await ask(ingress, '/channels/zai/coding/paas/v4/chat/completions?a=%20b', {
    method: 'POST',
    headers: JSON_KEY,
    body: CHAT_REQUEST,
  });
  expect(await answer.body.text()).toBe(CHAT_ANSWER);
  expect(sent(upstream)).toEqual(['POST /api/coding/paas/v4/chat/completions?a=%20b']);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ surface: 'openai.chat', provider: 'zai', channelId: 'zai', routeReason: 'channel_named', outcome: 'ok' });
  expect(event?.attempts[0]?.usage).toMatchObject(CHAT_CLASSES);
});

test.each([
  ['POST', 'application/json', '{"model":"m","voice":"x"}', 'm'],
  ['PUT', 'application/octet-stream', '\u0000\u0001', ''],
  ['PATCH', 'application/json', 'no json', ''],
  ['DELETE', '', '', ''],
  ['GET', '', '', ''],
] as const)('%s of what is no surface passes unread, with an event that says so', async (method, type, body, model) => {
  await using upstream = await scriptedUpstream(answered('{"usage":{"prompt_tokens":7,"completion_tokens":1}}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const headers = type === '' ? KEY : { ...KEY, 'content-type': type };
  const answer = await ask(ingress, '/channels/openai/v1/no/such?x=1', { method, headers, ...(body === '' ? {} : { body }) });
  expect(await answer.body.text()).toContain('usage');
  expect(upstream.seen[0]).toMatchObject({ method, url: '/v1/no/such?x=1', headers: { authorization: `Bearer ${UPSTREAM_CREDENTIAL}` } });
  expect(upstream.seen[0]?.body.toString()).toBe(body);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({
    surface: 'unknown',
    requestedModel: model,
    outcome: 'ok',
    httpStatus: 200,
    requestBytes: Buffer.byteLength(body),
  });
  expect(event?.attempts[0]).toMatchObject({ usage: null, usageSource: 'none', usageReason: 'surface_unknown', rawUsage: '' });
});

test('a body that is encoded passes where nobody has to read it', async () => {
  const body = gzipSync('{}');
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await ask(ingress, '/channels/openai/v1/no/such', {
    method: 'POST',
    headers: { ...JSON_KEY, 'content-encoding': 'gzip' },
    body,
  });
  expect(answer.statusCode).toBe(200);
  expect(upstream.seen[0]).toMatchObject({ body, headers: { 'content-encoding': 'gzip' } });
});

test('an error of what is no surface is an error, and an answer that breaks off never looks complete', async () => {
  await using upstream = await scriptedUpstream(answered('{"error":{}}', { 'content-type': 'application/json' }, 404));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  expect((await ask(ingress, '/channels/openai/v1/no/such')).statusCode).toBe(404);
  const [failed] = await ingress.events(1);
  expect(failed).toMatchObject({ outcome: 'upstream_error', attempts: [{ usageReason: 'upstream_error' }] });
  upstream.answer = (response) => {
    response.writeHead(200);
    response.write('half of');
    setTimeout(() => response.destroy(), 50);
  };
  const broken = await ask(ingress, '/channels/openai/v1/no/such');
  await expect(broken.body.text()).rejects.toThrow('closed');
  expect((await ingress.events(2)).at(-1)).toMatchObject({ outcome: 'upstream_error', attempts: [{ usage: null }] });
});

test('the head alone of something is passed on without its body', async () => {
  await using upstream = await scriptedUpstream(answered('', { 'content-length': '77' }));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await ask(ingress, '/channels/openai/v1/no/such', { method: 'HEAD' });
  expect([answer.statusCode, answer.headers['content-length'], await answer.body.text()]).toEqual([200, '77', '']);
  expect(await ingress.events(1)).toMatchObject([{ surface: 'unknown', outcome: 'ok' }]);
});

test('calls that cost nothing pass with a metric and no event, at the root and below a channel', async () => {
  await using upstream = await scriptedUpstream(answered('{"ok":true}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const calls: readonly (readonly [path: string, asked: Asked])[] = [
    ['/v1/models', {}],
    ['/v1/models/gpt-5', {}],
    ['/v1/moderations', { method: 'POST', headers: JSON_KEY, body: '{"input":"a"}' }],
    ['/v1/files', { method: 'POST', headers: { ...KEY, 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' }],
    ['/v1/files/file-1?a=b', { method: 'DELETE' }],
    ['/v1/batches/batch_1/cancel', { method: 'POST' }],
    ['/v1/messages/count_tokens', { method: 'POST', headers: { ...JSON_KEY, 'anthropic-version': '2023-06-01' }, body: '{}' }],
    ['/channels/openai/other/base/models', {}],
    ['/channels/anthropic/v1/models', { headers: { 'x-api-key': TEST_KEY } }],
  ];
  for (const [path, asked] of calls) {
    const answer = await ask(ingress, path, asked);
    expect([path, answer.statusCode, await answer.body.text()]).toEqual([path, 200, '{"ok":true}']);
    const seen = upstream.seen.at(-1);
    expect([seen?.method, seen?.url, seen?.body.toString()]).toEqual([
      asked.method ?? 'GET',
      path.replace(/^\/channels\/[a-z]+/, ''),
      asked.body ?? '',
    ]);
    expect(JSON.stringify(seen?.headers)).not.toContain(TEST_KEY);
    expect(JSON.stringify(seen?.headers)).toContain(UPSTREAM_CREDENTIAL);
  }
  const metrics = await ingress.registry.metrics();
  const free = (surface: string, endpoint: string) => `tokenledger_ingress_free_calls_total{surface="${surface}",endpoint="${endpoint}"}`;
  expect(metrics).toContain(`${free('openai.chat', 'GET /v1/models')} 2`);
  expect(metrics).toContain(`${free('anthropic.messages', 'GET /v1/models')} 1`);
  expect(metrics).toContain(`${free('anthropic.messages', 'POST /v1/messages/count_tokens')} 1`);
  await (await ask(ingress, '/v1/chat/completions', { method: 'POST', headers: JSON_KEY, body: CHAT_REQUEST })).body.dump();
  expect((await ingress.events(1))[0]?.surface).toBe('openai.chat');
});

test('what one provider gives away and another may bill is free of the first alone', async () => {
  await using upstream = await scriptedUpstream(answered('{"ok":true}'));
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    channels: [{ id: 'mistral', provider: 'mistral', priority: 1 }],
  });
  const asked: Asked = { method: 'POST', headers: JSON_KEY, body: '{"model":"mistral-moderation","input":"a"}' };
  for (const path of ['/channels/openai/v1/moderations', '/channels/mistral/v1/moderations', '/v1/moderations']) {
    expect((await ask(ingress, path, asked)).statusCode).toBe(200);
  }
  const unread = { surface: 'unknown', channelId: 'mistral', requestedModel: 'mistral-moderation' };
  expect(await ingress.events(2)).toMatchObject([unread, unread]);
});

test('a client that takes nothing of a free answer is dropped after a while', async () => {
  let upstreamLeft = false;
  await using upstream = await scriptedUpstream(async (response) => {
    response.once('close', () => (upstreamLeft = true));
    while (!response.destroyed)
      if (!response.write(Buffer.alloc(1024 * 1024))) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { answer_stall_timeout_ms: 1000 } });
  const answer = await ask(ingress, '/v1/files/file-1');
  expect(answer.statusCode).toBe(200);
  await waitFor(() => upstreamLeft, { timeoutMs: 10_000, describe: 'the ingress to leave the provider' });
  answer.body.destroy();
});

test.each([
  ['a long name', `/model/${'a'.repeat(200)}/converse`, 503, 'CHANNEL_MISSING'],
  ['a name that is badly encoded', '/v1beta/models/%zz:generateContent', 400, ''],
  ['no path below a channel', '/channels/openai', 404, 'ROUTE_UNKNOWN'],
  ['a path that nobody has', '/v2/unheard/of', 404, 'ROUTE_UNKNOWN'],
] as const)('%s is answered as what it is', async (_what, path, status, code) => {
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const answer = await ask(ingress, path, { method: 'POST', headers: JSON_KEY, body: '{"messages":[]}' });
  expect(answer.statusCode).toBe(status);
  expect(await answer.body.text()).toContain(code);
});

test('the Anthropic header tells whose files and models are meant', async () => {
  await using openai = await scriptedUpstream(answered('"openai"'));
  await using anthropic = await scriptedUpstream(answered('"anthropic"'));
  await using ingress = await runIngress({
    upstreamUrl: openai.url,
    channels: [{ id: 'claude', provider: 'anthropic', base_url: anthropic.url, priority: 1 }],
  });
  for (const path of ['/v1/models', '/v1/files']) {
    expect(await (await ask(ingress, path)).body.json()).toBe('openai');
    expect(await (await ask(ingress, path, { headers: { ...KEY, 'anthropic-version': '2023-06-01' } })).body.json()).toBe('anthropic');
  }
});

test('below a channel that has two APIs each is sent its own credential', async () => {
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channels: [{ id: 'gemini', provider: 'google' }] });
  for (const path of ['/v1/models', '/v1beta/models', '/v1beta/openai/models']) {
    expect((await ask(ingress, `/channels/gemini${path}`)).statusCode).toBe(200);
  }
  expect(upstream.seen.map(({ headers }) => [headers['x-goog-api-key'], headers.authorization])).toEqual([
    [UPSTREAM_CREDENTIAL, undefined],
    [UPSTREAM_CREDENTIAL, undefined],
    [undefined, `Bearer ${UPSTREAM_CREDENTIAL}`],
  ]);
});

test('a file that costs nothing may be larger than a body that is read, up to a limit of its own', async () => {
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { body_bytes_max: 2048, free_body_bytes_max: 8192 } });
  const upload = (bytes: number) => ask(ingress, '/v1/files', { method: 'POST', body: Buffer.alloc(bytes, 'a') });
  expect((await upload(8192)).statusCode).toBe(200);
  expect(upstream.seen[0]?.body.length).toBe(8192);
  const refused = await upload(8193);
  expect([refused.statusCode, await refused.body.json()]).toMatchObject([413, { error: { code: 'BODY_TOO_LARGE' } }]);
});

test('a channel that does not exist is 404 for those with a key, and tells nothing to others', async () => {
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const unknown = await ask(ingress, '/channels/nobody/v1/models');
  expect([unknown.statusCode, await unknown.body.json()]).toMatchObject([404, { error: { code: 'CHANNEL_UNKNOWN' } }]);
  for (const channel of ['nobody', 'openai']) {
    const keyless = await ask(ingress, `/channels/${channel}/v1/models`, { headers: {} });
    expect([keyless.statusCode, await keyless.body.json()]).toMatchObject([401, { error: { code: 'KEY_MISSING' } }]);
  }
  expect(upstream.seen).toEqual([]);
});

test.each([
  '/channels/openai/../admin',
  '/channels/openai/%2e%2e/admin',
  '/channels/openai//elsewhere.example/v1',
  '/channels/openai/a%2f..%2fb',
])('a path that leads out of what the channel names is refused: %s', async (path) => {
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channel: { base_url: `${upstream.url}/tenant` } });
  // Not resolved by the client, as a URL would be.
  await using client = disposable(new Client(ingress.url));
  const answer = await client.request({ path, method: 'GET', headers: KEY });
  expect([answer.statusCode, await answer.body.json()]).toMatchObject([400, { error: { code: 'PATH_INVALID' } }]);
  expect(upstream.seen).toEqual([]);
});

test.each([
  ['x-goog-api-key', { 'x-goog-api-key': TEST_KEY }, ''],
  ['api-key', { 'api-key': TEST_KEY }, ''],
  ['the query', {}, `&key=${TEST_KEY}`],
])('a Google client may send its key in %s; it never goes upstream', async (_where, headers, query) => {
  await using upstream = await scriptedUpstream(
    answered('{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}'),
  );
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channels: [{ id: 'google', provider: 'google' }] });
  const answer = await ask(ingress, `/v1beta/models/gemini-2.5-flash:generateContent?alt=json${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"contents":[]}',
  });
  expect(answer.statusCode).toBe(200);
  expect(sent(upstream)).toEqual(['POST /v1beta/models/gemini-2.5-flash:generateContent?alt=json']);
  expect(upstream.seen[0]?.headers['x-goog-api-key']).toBe(UPSTREAM_CREDENTIAL);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ surface: 'google.generate', requestedModel: 'gemini-2.5-flash', channelId: 'google' });
  expect(event?.attempts[0]?.usage).toMatchObject({ uncached_input: 3, visible_output: 2 });
});

test('what a provider has of another API is told by its path where the channel is named', async () => {
  await using upstream = await scriptedUpstream(answered(CHAT_ANSWER));
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channels: [{ id: 'gemini', provider: 'google', priority: 1 }] });
  for (const path of ['/channels/gemini/v1beta/openai/chat/completions', '/v1/chat/completions']) {
    expect((await ask(ingress, path, { method: 'POST', headers: JSON_KEY, body: CHAT_REQUEST })).statusCode).toBe(200);
  }
  const surface = 'openai.chat';
  expect(await ingress.events(2)).toMatchObject([
    { surface, channelId: 'gemini' },
    { surface, channelId: 'openai' },
  ]);
});

test('a credential that cannot sign is refused before anything is sent', async () => {
  await using upstream = await scriptedUpstream(answered('{}'));
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    channels: [{ id: 'vertex', provider: 'vertex', credential: 'env:BROKEN' }],
    secrets: { 'env:BROKEN': '{"type":"service_account"}' },
  });
  const path = '/v1/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-pro:generateContent';
  const answer = await ask(ingress, path, { method: 'POST', headers: JSON_KEY, body: '{"contents":[]}' });
  expect([answer.statusCode, await answer.body.text()]).toEqual([503, expect.stringContaining('CHANNEL_UNUSABLE')]);
  const refused = { outcome: 'refused_unavailable', httpStatus: 503, errorClass: 'credential_invalid' };
  expect(await ingress.events(1)).toMatchObject([{ ...refused, attempts: [{ usage: null }] }]);
  expect(upstream.seen).toEqual([]);
});

test('the region that a path names is the one that the event has', async () => {
  await using upstream = await scriptedUpstream(
    answered('{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}'),
  );
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    channels: [{ id: 'vertex', provider: 'vertex', region: 'us-east5' }],
  });
  const path = '/v1/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-pro:generateContent';
  for (const base of ['', '/channels/vertex']) {
    const answer = await ask(ingress, base + path, { method: 'POST', headers: JSON_KEY, body: '{"contents":[]}' });
    expect(answer.statusCode).toBe(200);
  }
  expect(sent(upstream)).toEqual([`POST ${path}`, `POST ${path}`]);
  expect((await ingress.events(2)).map(({ region }) => region)).toEqual(['europe-west4', 'europe-west4']);
});
