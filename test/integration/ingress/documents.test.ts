// The ingress follows the documents on the control topic while it serves: what changes at once, and what a request that has begun keeps.
import { PassThrough, type Readable } from 'node:stream';
import { type Channel, type ControlDocument, keyHasher, type VirtualKey } from '@tokenledger/control';
import { createIngress, ingressConfig } from '@tokenledger/ingress';
import { topicNames } from '@tokenledger/event-log';
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { Pool } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames, MESSAGES_REQUEST } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_HASH_SECRET, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

/** What is promised for a change to reach an ingress. */
const EFFECT_MS = 2_000;
const NEW_KEY = 'tl-another-0123456789abcdefghijklm';

const answers: AnswerScript = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(CHAT_ANSWER);
};

/** One connection, so that what it remembers is put to the test as well. */
function client(ingress: RunningIngress) {
  const pool = new Pool(ingress.url, { connections: 1 });
  const send = (path: string, body: string, key: string) =>
    pool.request({ path, method: 'POST', body, headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } });
  return {
    chat: (key = TEST_KEY, body = CHAT_REQUEST) => send('/v1/chat/completions', body, key),
    async status(key = TEST_KEY, path = '/v1/chat/completions'): Promise<number> {
      const answer = await send(path, path === '/v1/messages' ? MESSAGES_REQUEST : CHAT_REQUEST, key);
      await answer.body.dump();
      return answer.statusCode;
    },
    /** Its body comes as the test writes it. */
    stream: (body: Readable, length: number) =>
      pool.request({
        path: '/v1/chat/completions',
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'content-length': String(length), authorization: `Bearer ${TEST_KEY}` },
      }),
    /** Whether the ingress holds bytes of a request. */
    async arriving(): Promise<boolean> {
      return /\ntokenledger_ingress_request_bytes_in_flight [1-9]/.test(await ingress.registry.metrics());
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

const until = (condition: () => Promise<boolean>, describe: string, timeoutMs = EFFECT_MS) =>
  waitFor(condition, { timeoutMs, describe, intervalMs: 10 });

function keyOf(ingress: RunningIngress): VirtualKey {
  const key = ingress.documents.get('virtual_key', 'test');
  if (key === undefined) throw new Error('the ingress has no key');
  return key;
}

function channelOf(ingress: RunningIngress): Channel {
  const channel = ingress.documents.get('channel', 'openai');
  if (channel === undefined) throw new Error('the ingress has no channel');
  return channel;
}

const secretOf = (text: string, expiresAt?: string): VirtualKey['hashes'][number] => ({
  hash: keyHasher(TEST_HASH_SECRET).hash(text),
  generation: 1,
  created_at: new Date().toISOString(),
  ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
});

test('a key that is revoked is refused within the time promised, on a connection that it had opened too', async () => {
  await using upstream = await scriptedUpstream(answers);
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await using requests = client(ingress);
  expect(await requests.status()).toBe(200);
  await ingress.control.put({ ...keyOf(ingress), revoked: true });
  await until(async () => (await requests.status()) === 401, 'the revoked key to be refused');
  expect(await ingress.events(upstream.seen.length)).toHaveLength(upstream.seen.length);
});

test('a new key is accepted, and a deleted one is not', async () => {
  await using upstream = await scriptedUpstream(answers);
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await using requests = client(ingress);
  expect(await requests.status(NEW_KEY)).toBe(401);
  const added: ControlDocument = { ...keyOf(ingress), id: 'another', hashes: [secretOf(NEW_KEY)] };
  await ingress.control.put(added);
  await until(async () => (await requests.status(NEW_KEY)) === 200, 'the new key to be accepted');
  await ingress.control.remove('virtual_key', 'another');
  await until(async () => (await requests.status(NEW_KEY)) === 401, 'the deleted key to be refused');
  expect(await requests.status()).toBe(200);
});

test('while a rotation overlaps both secrets open the key, and the old one stops at its time without any change', async () => {
  await using upstream = await scriptedUpstream(answers);
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await using requests = client(ingress);
  const endsMs = Date.now() + 1_500;
  await ingress.control.put({ ...keyOf(ingress), hashes: [secretOf(TEST_KEY, new Date(endsMs).toISOString()), secretOf(NEW_KEY)] });
  await until(async () => (await requests.status(NEW_KEY)) === 200, 'the new secret to be accepted');
  let acceptedMs = Date.now();
  expect(await requests.status()).toBe(200);
  await until(
    async () => {
      const sentMs = Date.now();
      if ((await requests.status()) !== 200) return true;
      acceptedMs = sentMs;
      return false;
    },
    'the old secret to be refused',
    5_000,
  );
  expect(acceptedMs).toBeLessThan(endsMs + 250);
  expect(await requests.status(NEW_KEY)).toBe(200);
});

test('a stream ends as it began although its key is revoked and its channel deleted meanwhile', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const [first = '', ...rest] = chatFrames(true);
  await using upstream = await scriptedUpstream(async (response, request) => {
    if (!request.body.includes('"stream":true')) return answers(response, request);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    await released;
    for (const frame of rest) response.write(frame);
    response.end();
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await using requests = client(ingress);
  await using others = client(ingress);
  const answer = await requests.chat(TEST_KEY, CHAT_STREAM_REQUEST);
  await ingress.control.put({ ...keyOf(ingress), revoked: true });
  await ingress.control.remove('channel', 'openai');
  await until(async () => (await others.status()) === 401, 'the revoked key to be refused');
  release();
  expect(await answer.body.text()).toContain('data: [DONE]');
  const events = await ingress.events(upstream.seen.length);
  expect(events.filter(({ streamed }) => streamed)).toMatchObject([
    { outcome: 'ok', attempts: [{ usageSource: 'reported', channelId: 'openai' }] },
  ]);
});

test('a request that is still arriving when its key is revoked and its channel deleted is served', async () => {
  await using upstream = await scriptedUpstream(answers);
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  await using requests = client(ingress);
  await using others = client(ingress);
  const body = new PassThrough();
  body.write(CHAT_REQUEST.slice(0, 10));
  const answer = requests.stream(body, CHAT_REQUEST.length);
  await until(() => others.arriving(), 'the request to begin');
  await ingress.control.put({ ...keyOf(ingress), revoked: true });
  await ingress.control.remove('channel', 'openai');
  await until(async () => (await others.status()) === 401, 'the revoked key to be refused');
  await until(async () => (await ingress.registry.metrics()).includes('\ntokenledger_ingress_control_channels 1\n'), 'the channel to go');
  body.end(CHAT_REQUEST.slice(10));
  expect((await answer).statusCode).toBe(200);
});

test('a changed channel sends to its new address with its new credential', async () => {
  await using before = await scriptedUpstream(answers);
  await using after = await scriptedUpstream(answers);
  await using ingress = await runIngress({ upstreamUrl: before.url, secrets: { 'env:NEW_UPSTREAM': 'sk-new-credential' } });
  await using requests = client(ingress);
  expect(await requests.status()).toBe(200);
  await ingress.control.put({ ...channelOf(ingress), base_url: after.url, credential: 'env:NEW_UPSTREAM' });
  await until(async () => (await requests.status()) === 200 && after.seen.length > 0, 'the new address to be used');
  expect(after.seen[0]?.headers.authorization).toBe('Bearer sk-new-credential');
  const seen = before.seen.length;
  expect(await requests.status()).toBe(200);
  expect(before.seen).toHaveLength(seen);
});

test('a channel whose credential is not there refuses its requests with 503 and stops nothing else; it works once the secret is there', async () => {
  await using upstream = await scriptedUpstream(answers);
  const secrets: Record<string, string> = {};
  await using ingress = await runIngress({ upstreamUrl: upstream.url, secrets });
  await using requests = client(ingress);
  await ingress.control.put({ ...channelOf(ingress), credential: 'env:LATER' });
  await until(async () => (await requests.status()) === 503, 'the channel to refuse');
  const refused = await requests.chat();
  expect(refused.headers['retry-after']).toBe('1');
  expect(await refused.body.json()).toMatchObject({ error: { code: 'CHANNEL_UNUSABLE', message: expect.stringContaining('credential') } });
  expect(await requests.status(TEST_KEY, '/v1/messages')).toBe(200);
  expect(ingress.state()).toMatchObject({ status: 'degraded', detail: expect.stringContaining("channel 'openai'") });
  const metrics = await ingress.registry.metrics();
  expect(metrics).toMatch(/\ntokenledger_ingress_channel_unusable_total\{channel="openai"\} [1-9]/);
  expect(metrics).toContain('\ntokenledger_ingress_control_problems{code="SECRET_MISSING"} 1\n');

  secrets['env:LATER'] = 'sk-late-credential';
  await until(async () => (await requests.status()) === 200, 'the secret to be found', 10_000);
  expect(upstream.seen.at(-1)?.headers.authorization).toBe('Bearer sk-late-credential');
  expect(ingress.state()).toEqual({ status: 'ready', detail: '' });
  expect(await ingress.registry.metrics()).toContain('\ntokenledger_ingress_control_problems{code="SECRET_MISSING"} 0\n');
});

test('an ingress with another hash secret than the keys are hashed with does not start', async () => {
  await using upstream = await scriptedUpstream(answers);
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const other = createIngress({
    config: ingressConfig.parse({ port: 0 }),
    log: ingress.log,
    topics: topicNames('tokenledger.'),
    readSecret: () => 'unused',
    keyHashSecrets: { current: Buffer.alloc(32, 9) },
    fingerprintSecret: TEST_HASH_SECRET,
    // It does not come as far as that.
    journalDirectory: '',
    logger: silentLogger(),
    metrics: createRegistry({ processMetrics: false }),
  });
  await expect(other.start()).rejects.toMatchObject({ code: 'KEY_HASH_SECRET_MISMATCH' });
  await other.stop(1_000);
});
